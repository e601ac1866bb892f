using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.Models;

/// <summary>Reads a BPE model from tokenizer.json.</summary>
internal static class BpeJson
{
    /// <summary>Reads the model.</summary>
    public static BpeModel Read(JsonPart part, bool isByteLevel)
    {
        part.RefuseKeysExcept(
            "type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix", "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges");
        if (part.Find("dropout") is { IsNull: false } dropout && dropout.GetNumber() != 0)
            throw part.NotSupported("dropout (merges left out at random)");
        ModelVocabulary vocabulary = ModelVocabulary.Read(part["vocab"]);
        string prefix = ReadAffix(part.Find("continuing_subword_prefix"));
        var options = new BpeOptions(
            isByteLevel,
            ReadUnknown(part.Find("unk_token"), vocabulary, isByteLevel),
            part.Find("fuse_unk").GetBoolean(false),
            part.Find("byte_fallback").GetBoolean(false),
            part.Find("ignore_merges").GetBoolean(false),
            prefix,
            ReadAffix(part.Find("end_of_word_suffix")));
        return new BpeModel(vocabulary, ReadMerges(part["merges"], vocabulary, prefix), options);
    }

    /// <summary>Resolves merges given as pairs of texts, in order of rank.</summary>
    /// <param name="pairs">Left and right; a null left says that the entry is no pair.</param>
    /// <param name="count">How many there are, about.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="prefix">What stands before tokens that do not start a word; not repeated in the result.</param>
    /// <param name="location">File and key, for messages.</param>
    /// <exception cref="BadFileException">A merge names a token that is not in the vocabulary.</exception>
    public static Merge[] ResolveMerges(
        IEnumerable<(string? Left, string Right)> pairs, int count, ModelVocabulary vocabulary, string prefix, string location)
    {
        var merges = new List<Merge>(count);
        foreach ((string? left, string right) in pairs)
        {
            int rank = merges.Count;
            if (left is null)
                throw NoPair(rank, right, location);
            int leftId = Find(left);
            int rightId = Find(right);
            if (!right.StartsWith(prefix, StringComparison.Ordinal))
                throw BadFileException.Expected(location, $"merge {rank}", $"a right token that starts with {prefix}", ModelVocabulary.Quote(right));
            merges.Add(new Merge(leftId, rightId, rank, Find(string.Concat(left, right.AsSpan(prefix.Length)))));
            int Find(string text) => vocabulary.FindId(text) ?? throw NoToken(rank, left, right, text, location);
        }
        return [.. merges];
    }

    /// <summary>
    /// Resolves merges written as "left right", in order of rank: as the other way does, without making a string of every part, for this is half
    /// of what it takes to read a tokenizer.
    /// </summary>
    /// <param name="texts">The merges.</param>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="location">File and key, for messages.</param>
    /// <exception cref="BadFileException">A merge is no pair, or names a token that is not in the vocabulary.</exception>
    public static Merge[] ResolveMerges(ReadOnlySpan<string> texts, ModelVocabulary vocabulary, string location)
    {
        var merges = new Merge[texts.Length];
        char[] joined = new char[vocabulary.MaxTextLength];
        int result = -1;
        for (int rank = 0; rank < texts.Length; rank++)
        {
            ReadOnlySpan<char> text = texts[rank];
            int space = text.IndexOf(' ');
            ReadOnlySpan<char> left = text[..Math.Max(space, 0)], right = text[(space + 1)..];
            if (space < 0 || right.Contains(' ') || text.Length - 1 > joined.Length
                || !vocabulary.CharacterLookup.TryGetValue(left, out int leftId) || !vocabulary.CharacterLookup.TryGetValue(right, out int rightId))
                throw Unresolved(rank, texts[rank], vocabulary, location);
            left.CopyTo(joined);
            right.CopyTo(joined.AsSpan(left.Length));
            ReadOnlySpan<char> whole = joined.AsSpan(0, text.Length - 1);
            // Tokens usually lie in the order of the merges that make them.
            if (vocabulary.FindText(result + 1) is { } next && whole.SequenceEqual(next))
                result++;
            else if (!vocabulary.CharacterLookup.TryGetValue(whole, out result))
                throw Unresolved(rank, texts[rank], vocabulary, location);
            merges[rank] = new Merge(leftId, rightId, rank, result);
        }
        return merges;
    }

    /// <summary>Cuts "left right" at its only space; a null left if there is not exactly one.</summary>
    private static (string? Left, string Right) CutMerge(string merge)
    {
        int space = merge.IndexOf(' ', StringComparison.Ordinal);
        return space < 0 || merge.IndexOf(' ', space + 1) >= 0 ? (null, merge) : (merge[..space], merge[(space + 1)..]);
    }

    private static BadFileException Unresolved(int rank, string merge, ModelVocabulary vocabulary, string location)
    {
        (string? left, string right) = CutMerge(merge);
        return left is null
            ? NoPair(rank, right, location)
            : NoToken(rank, left, right, ((string[])[left, right, left + right]).First(text => vocabulary.FindId(text) is null), location);
    }

    private static BadFileException NoPair(int rank, string merge, string location) =>
        BadFileException.Expected(location, $"merge {rank}", "two tokens with a space between", ModelVocabulary.Quote(merge));

    private static BadFileException NoToken(int rank, string left, string right, string missing, string location) =>
        BadFileException.Expected(location, $"merge {rank} of {ModelVocabulary.Quote(left)} and {ModelVocabulary.Quote(right)}",
            $"token {ModelVocabulary.Quote(missing)} in the vocabulary", "no such token");

    private static Merge[] ReadMerges(JsonPart merges, ModelVocabulary vocabulary, string prefix) =>
        ResolveMerges(merges.GetItems().Select(ReadMerge), merges.GetItemCount(), vocabulary, prefix, $"{merges.File}: {merges.Path}");

    private static (string? Left, string Right) ReadMerge(JsonPart item)
    {
        if (item.Kind == JsonValueKind.String)
            return CutMerge(item.GetString());
        JsonPart[] pair = [.. item.GetItems()];
        return pair.Length == 2 ? (pair[0].GetString(), pair[1].GetString()) : throw item.Wrong("two tokens", $"{pair.Length}");
    }

    private static string ReadAffix(JsonPart part) => part.IsNull ? "" : part.GetString();

    private static int? ReadUnknown(JsonPart part, ModelVocabulary vocabulary, bool isByteLevel)
    {
        if (part.IsNull)
            return null;
        string text = part.GetString();
        // Byte-level files name tokens here that are not in the model's vocabulary; every byte has a token, so it does not matter.
        if (vocabulary.FindId(text) is null && !isByteLevel)
            throw part.Wrong("a token of the vocabulary", ModelVocabulary.Quote(text));
        return vocabulary.FindId(text);
    }
}
