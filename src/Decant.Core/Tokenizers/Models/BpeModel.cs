using System.Buffers;
using System.Text.Json;

namespace Decant.Core.Tokenizers.Models;

/// <summary>How a BPE model treats its words.</summary>
/// <param name="IsByteLevel">True if its tokens are written in <see cref="ByteLevelAlphabet"/> and its symbols are bytes, else they are code points.</param>
/// <param name="UnknownId">The token for a symbol that is not in the vocabulary; without one such a symbol is left out.</param>
/// <param name="FusesUnknown">True if neighbouring unknown symbols become one token.</param>
/// <param name="HasByteFallback">True if an unknown code point becomes its bytes' tokens (<c>&lt;0x41&gt;</c>), provided all are in the vocabulary.</param>
/// <param name="IgnoresMerges">True if a whole word that is a token is that token, whether merges lead there or not.</param>
/// <param name="ContinuingPrefix">What stands before symbols that do not start a word.</param>
/// <param name="WordSuffix">What stands after the symbol that ends a word.</param>
internal sealed record BpeOptions(
    bool IsByteLevel,
    int? UnknownId = null,
    bool FusesUnknown = false,
    bool HasByteFallback = false,
    bool IgnoresMerges = false,
    string ContinuingPrefix = "",
    string WordSuffix = "");

/// <summary>
/// Byte-pair encoding (Sennrich et al. 2016): a word starts as symbols, bytes or code points, and the merge of lowest rank is applied until
/// none is left. Long words are first cut where no merge can ever reach across, which leaves the result as it is: a text that comes as one
/// word, as SentencePiece's do, is then a series of short ones.
/// </summary>
internal sealed class BpeModel : TokenModel
{
    private const int FirstChunk = 1 << 15;

    private readonly BpeOptions options;
    private readonly BpeSymbols symbols;
    private readonly MergeTable table;
    private readonly Lazy<JunctionFilter> junctions;
    private readonly WordCache cache = new();
    private readonly bool hasAffixes;

    /// <summary>Builds the model.</summary>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="merges">Every merge, ordered by rank.</param>
    /// <param name="options">How words are treated.</param>
    /// <param name="inPieces">Code points that are in pieces but are no tokens, with ids above the vocabulary's; merges may name them.</param>
    public BpeModel(ModelVocabulary vocabulary, Merge[] merges, BpeOptions options, IReadOnlyDictionary<int, int>? inPieces = null)
    {
        Vocabulary = vocabulary;
        Merges = merges;
        this.options = options;
        symbols = new BpeSymbols(vocabulary, options, inPieces ?? new Dictionary<int, int>());
        table = new MergeTable(merges);
        hasAffixes = options.ContinuingPrefix.Length > 0 || options.WordSuffix.Length > 0;
        // Asked for by long words only.
        junctions = new Lazy<JunctionFilter>(() => new JunctionFilter(merges, vocabulary, symbols));
    }

    /// <inheritdoc/>
    public override string Kind => options.IsByteLevel ? "byte-level BPE" : "BPE";

    /// <inheritdoc/>
    public override ModelVocabulary Vocabulary { get; }

    /// <inheritdoc/>
    public override bool IsByteLevel => options.IsByteLevel;

    /// <summary>Every merge, ordered by rank.</summary>
    public IReadOnlyList<Merge> Merges { get; }

    /// <summary>How words are treated.</summary>
    public BpeOptions Options => options;

    /// <inheritdoc/>
    public override void Tokenize(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        if (word.Length > WordCache.LongestWord)
        {
            TokenizeLong(word, tokens);
            return;
        }
        ulong hash = WordCache.HashOf(word);
        if (cache.TryAppend(word, hash, tokens))
            return;
        int first = tokens.Count;
        if (!TryWholeWord(word, tokens))
        {
            Span<int> ids = stackalloc int[WordCache.LongestWord];
            Span<int> byteCounts = stackalloc int[WordCache.LongestWord];
            int count = symbols.Read(word, ids, byteCounts, out _);
            Append(word, ids[..count], byteCounts[..count], tokens);
        }
        cache.Store(word, hash, tokens.Ids[first..], tokens.ByteCounts[first..]);
    }

    /// <inheritdoc/>
    public override void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "BPE");
        writer.WriteNull("dropout");
        if (options.UnknownId is { } unknown)
            writer.WriteString("unk_token", Vocabulary.FindText(unknown));
        else
            writer.WriteNull("unk_token");
        WriteAffix(writer, "continuing_subword_prefix", options.ContinuingPrefix);
        WriteAffix(writer, "end_of_word_suffix", options.WordSuffix);
        writer.WriteBoolean("fuse_unk", options.FusesUnknown);
        writer.WriteBoolean("byte_fallback", options.HasByteFallback);
        writer.WriteBoolean("ignore_merges", options.IgnoresMerges);
        Vocabulary.WriteJson(writer);
        writer.WriteStartArray("merges");
        foreach (Merge merge in Merges)
        {
            // A merge of a code point that is no token (see the constructor) cannot be said in this file.
            if (Vocabulary.FindText(merge.Left) is not { } left || Vocabulary.FindText(merge.Right) is not { } right)
                continue;
            writer.WriteStartArray();
            writer.WriteStringValue(left);
            writer.WriteStringValue(right);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteAffix(Utf8JsonWriter writer, string name, string affix)
    {
        if (affix.Length > 0)
            writer.WriteString(name, affix);
        else
            writer.WriteNull(name);
    }

    private void TokenizeLong(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        if (TryWholeWord(word, tokens))
            return;
        // Bytes at a time, so that a text which is one word needs no arrays of its own length; more where no place to cut is found.
        int chunkLength = hasAffixes ? word.Length : FirstChunk;
        while (word.Length > 0)
        {
            chunkLength = Math.Min(chunkLength, word.Length);
            while (!options.IsByteLevel && chunkLength < word.Length && (word[chunkLength] & 0xC0) == 0x80)
                chunkLength++;
            int[] ids = ArrayPool<int>.Shared.Rent(chunkLength);
            int[] byteCounts = ArrayPool<int>.Shared.Rent(chunkLength);
            int done = TokenizeChunk(word[..chunkLength], isLast: chunkLength == word.Length, ids, byteCounts, tokens);
            ArrayPool<int>.Shared.Return(ids);
            ArrayPool<int>.Shared.Return(byteCounts);
            word = word[done..];
            chunkLength = done > 0 ? FirstChunk : (int)Math.Min(chunkLength * 4L, word.Length);
        }
    }

    /// <summary>Appends the tokens of a chunk up to the last place where it can be cut; returns the bytes done, 0 if that is nowhere.</summary>
    private int TokenizeChunk(ReadOnlySpan<byte> chunk, bool isLast, int[] ids, int[] byteCounts, TokenBuffer tokens)
    {
        int count = symbols.Read(chunk, ids, byteCounts, out bool hasUnknown);
        if (hasAffixes)
        {
            Append(chunk, ids.AsSpan(0, count), byteCounts.AsSpan(0, count), tokens);
            return chunk.Length;
        }
        // What is unknown can be fused across any cut, and where there is no unknown token, the symbols do not add up to the text.
        if (hasUnknown && !isLast)
            return 0;
        // A part is as good as a word for the cache if nothing but its own bytes decides on its tokens.
        bool usesCache = !hasUnknown && !options.IgnoresMerges;
        int start = 0;
        int startByte = 0;
        int byteCount = 0;
        for (int i = 0; i < count; i++)
        {
            byteCount += byteCounts[i];
            if (i + 1 < count ? junctions.Value.MayMerge(ids[i], ids[i + 1]) : !isLast)
                continue;
            AppendPart(chunk.Slice(startByte, byteCount), ids.AsSpan(start, i + 1 - start), byteCounts.AsSpan(start, i + 1 - start), usesCache, tokens);
            start = i + 1;
            startByte += byteCount;
            byteCount = 0;
        }
        return isLast ? chunk.Length : startByte;
    }

    private void AppendPart(ReadOnlySpan<byte> part, Span<int> ids, Span<int> byteCounts, bool usesCache, TokenBuffer tokens)
    {
        if (!usesCache || ids.Length == 1 || part.Length > WordCache.LongestWord)
        {
            Append(part, ids, byteCounts, tokens);
            return;
        }
        ulong hash = WordCache.HashOf(part);
        if (cache.TryAppend(part, hash, tokens))
            return;
        int first = tokens.Count;
        Append(part, ids, byteCounts, tokens);
        cache.Store(part, hash, tokens.Ids[first..], tokens.ByteCounts[first..]);
    }

    private void Append(ReadOnlySpan<byte> text, Span<int> ids, Span<int> byteCounts, TokenBuffer tokens)
    {
        int count = Merger.Merge(table, ids, byteCounts);
        if (!symbols.HasSymbolsOutsideVocabulary)
        {
            tokens.Add(ids[..count], byteCounts[..count]);
            return;
        }
        int position = 0;
        for (int i = 0; i < count; i++)
        {
            if (ids[i] < Vocabulary.Count)
                tokens.Add(ids[i], byteCounts[i]);
            else
                symbols.AppendUnknown(text.Slice(position, byteCounts[i]), tokens);
            position += byteCounts[i];
        }
    }

    private bool TryWholeWord(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        if (!options.IgnoresMerges || symbols.FindWholeWord(word) is not { } id)
            return false;
        tokens.Add(id, word.Length);
        return true;
    }
}
