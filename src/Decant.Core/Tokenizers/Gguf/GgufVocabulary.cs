using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>The tokens in GGUF metadata, checked.</summary>
internal sealed class GgufVocabulary
{
    /// <summary>Reads tokens and types.</summary>
    /// <param name="metadata">Where they are.</param>
    /// <param name="respell">Gives the texts the form they have elsewhere, or null.</param>
    /// <exception cref="BadFileException">No tokens, too many, a text twice, types that do not fit.</exception>
    public GgufVocabulary(GgufMetadata metadata, Func<string, TokenType, string>? respell = null)
    {
        Metadata = metadata;
        string[] texts = metadata.FindStrings(GgufKeys.Tokens)
            ?? throw BadFileException.Expected(metadata.Location, GgufKeys.Tokens, "an array of strings", "no such key");
        if (texts.Length > ModelVocabulary.MaxTokenId + 1)
            throw BadFileException.Expected(metadata.Location, GgufKeys.Tokens, $"at most {ModelVocabulary.MaxTokenId + 1} tokens", $"{texts.Length}");
        Types = metadata.FindIntegers(GgufKeys.TokenTypes);
        if (Types is not null && Types.Length != texts.Length)
            throw BadFileException.Expected(metadata.Location, GgufKeys.TokenTypes, $"{texts.Length} types, one per token", $"{Types.Length}");
        if (respell is not null)
            texts = [.. texts.Select((text, id) => respell(text, Types is null ? TokenType.Normal : (TokenType)Types[id]))];
        Texts = texts;
        var tokens = new KeyValuePair<string, int>[texts.Length];
        int count = 0;
        for (int id = 0; id < texts.Length; id++)
        {
            // An id without a text is a gap; llama.cpp invents a name for it. So is one whose text only fills up the file, for no such token is ever written.
            if (texts[id].Length > 0 && !IsPlaceholder(id))
                tokens[count++] = new(texts[id], id);
        }
        Array.Resize(ref tokens, count);
        Vocabulary = new ModelVocabulary(tokens, $"{metadata.Location}: {GgufKeys.Tokens}");
        AddedTokens = ReadAddedTokens(metadata, texts, Types);
    }

    /// <summary>Where it came from.</summary>
    public GgufMetadata Metadata { get; }

    /// <summary>Texts by id.</summary>
    public IReadOnlyList<string> Texts { get; }

    /// <summary>Types by id (see <see cref="TokenType"/>), or null if the file has none.</summary>
    public long[]? Types { get; }

    /// <summary>The vocabulary.</summary>
    public ModelVocabulary Vocabulary { get; }

    /// <summary>Control, unknown and user-defined tokens: those that are sought in text.</summary>
    public IReadOnlyList<AddedToken> AddedTokens { get; }

    /// <summary>Reads the special ids, with defaults for those that are missing.</summary>
    public SpecialTokenIds ReadSpecial(int? defaultBos, int? defaultEos, int? defaultUnknown)
    {
        int? eos = ReadId(GgufKeys.EosId, defaultEos);
        var ends = new List<int>();
        foreach (int? end in (int?[])[eos, ReadId(GgufKeys.EotId, null), ReadId(GgufKeys.EomId, null)])
        {
            if (end is { } id)
                ends.Add(id);
        }
        return new SpecialTokenIds(
            ReadId(GgufKeys.BosId, defaultBos), eos, ReadId(GgufKeys.UnknownId, defaultUnknown), ReadId(GgufKeys.PaddingId, null),
            SpecialTokenIds.EndIds(ends, AddedTokens));
    }

    private bool IsPlaceholder(int id) =>
        Types is not null && Types[id] == (long)TokenType.Unused && Texts[id] == GgufTokens.Placeholder(id);

    private static AddedToken[] ReadAddedTokens(GgufMetadata metadata, string[] texts, long[]? types)
    {
        if (types is null)
            return [];
        var added = new List<AddedToken>();
        for (int id = 0; id < types.Length; id++)
        {
            var type = (TokenType)types[id];
            if (texts[id].Length == 0 || type is not (TokenType.Control or TokenType.Unknown or TokenType.UserDefined))
                continue;
            if (Encoding.UTF8.GetByteCount(texts[id]) > TokenizerJsonReader.MaxAddedTokenByteCount)
                throw BadFileException.Expected(metadata.Location, $"token {id}", $"a {type} token of at most {TokenizerJsonReader.MaxAddedTokenByteCount} bytes", $"{texts[id].Length} characters");
            added.Add(new AddedToken(id, texts[id], IsSpecial: type != TokenType.UserDefined));
        }
        return [.. added];
    }

    /// <summary>Reads the scores, one per token.</summary>
    /// <exception cref="BadFileException">None, or another number of them.</exception>
    public float[] ReadScores()
    {
        float[] scores = Metadata.FindSingles(GgufKeys.Scores)
            ?? throw BadFileException.Expected(Metadata.Location, GgufKeys.Scores, "an array of F32", "no such key");
        return scores.Length == Texts.Count
            ? scores
            : throw BadFileException.Expected(Metadata.Location, GgufKeys.Scores, $"{Texts.Count} scores, one per token", $"{scores.Length}");
    }

    /// <summary>Reads the id under a key; the default where it is missing and there is such a token.</summary>
    public int? ReadId(string key, int? defaultId)
    {
        if (Metadata.FindInteger(key) is not { } id)
            return defaultId < Texts.Count ? defaultId : null;
        // Some files write -1 for none.
        if (id is -1 or uint.MaxValue)
            return null;
        return id >= 0 && id < Texts.Count
            ? (int)id
            : throw BadFileException.Expected(Metadata.Location, key, $"an id below {Texts.Count}", $"{id}");
    }
}
