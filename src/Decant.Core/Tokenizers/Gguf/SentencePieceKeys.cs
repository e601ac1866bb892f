using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>Writes a SentencePiece-style BPE as <c>tokenizer.ggml.model</c> = <c>llama</c>: tokens, scores, types.</summary>
internal static class SentencePieceKeys
{
    // llama.cpp's converter gives tokens that are not in the SentencePiece model this score.
    private const float AddedScore = -1000;

    /// <summary>Writes the keys.</summary>
    public static void Write(
        Tokenizer tokenizer, BpeModel model, SpecialTokenIds special, GgufMetadata metadata, int vocabularySize, List<string> notices)
    {
        TokenizerParts parts = tokenizer.Parts;
        bool addsSpace = ReadSpaceRule(parts, notices);
        if (!model.Options.HasByteFallback)
            throw new NotSupportedModelException($"{parts.Location}: BPE over characters without byte fallback has no form in GGUF.");
        var (texts, types) = GgufTokens.Collect(tokenizer, vocabularySize);
        GgufTokens.MarkBytes(model.Vocabulary, types);
        if ((special.Unknown ?? model.Options.UnknownId) is { } unknown)
            types[unknown] = (int)TokenType.Unknown;
        metadata.Set(GgufKeys.Model, GgufValue.From("llama"));
        metadata.Set(GgufKeys.Pre, GgufValue.From("default"));
        metadata.Set(GgufKeys.Tokens, GgufValue.From(texts));
        metadata.Set(GgufKeys.Scores, GgufValue.From(ScoresOf(model, types, parts.Location)));
        metadata.Set(GgufKeys.TokenTypes, GgufValue.From(types));
        metadata.Set(GgufKeys.AddSpacePrefix, GgufValue.From(addsSpace));
    }

    private static bool ReadSpaceRule(TokenizerParts parts, List<string> notices)
    {
        const string replaces = """{"type":"Replace","pattern":{"String":" "},"content":"\u2581"}""";
        const string prepends = """{"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"\u2581"},""" + replaces + "]}";
        const string neverSplits = """{"type":"Split","pattern":{"String":" "},"behavior":"MergedWithPrevious","invert":false}""";
        string normalizer = Text(parts.Normalizer?.ToJson());
        string preTokenizer = Text(parts.PreTokenizer?.ToJson());
        if (preTokenizer is "null" or neverSplits && normalizer is replaces or prepends)
            return normalizer == prepends;
        if (parts.Normalizer is null && parts.PreTokenizer is MetaspacePreTokenizer { Splits: false } metaspace)
        {
            if (metaspace.Scheme == PrependScheme.First)
                notices.Add(GgufTokens.FirstSpaceNotice);
            return metaspace.Scheme != PrependScheme.Never;
        }
        throw new NotSupportedModelException($"{parts.Location}: the normalizer {normalizer} with the pre-tokenizer {preTokenizer} has no form in GGUF for this kind of tokenizer.");
    }

    private static string Text(JsonObject? json) => json?.ToJsonString() ?? "null";

    /// <summary>
    /// Scores that give back the order of the merges: as in SentencePiece's own models, the piece made first scores 0, the next -1 and so on,
    /// then the characters.
    /// </summary>
    /// <exception cref="NotSupportedModelException">The merges are not those that scores would give.</exception>
    private static float[] ScoresOf(BpeModel model, int[] types, string location)
    {
        float[] scores = new float[types.Length];
        Array.Fill(scores, float.NaN);
        int next = 0;
        foreach (Merge merge in model.Merges)
        {
            if (float.IsNaN(scores[merge.Result]))
                scores[merge.Result] = -next++;
        }
        for (int id = 0; id < scores.Length; id++)
        {
            if (!float.IsNaN(scores[id]))
                continue;
            scores[id] = (TokenType)types[id] switch
            {
                TokenType.Normal => -next++,
                TokenType.UserDefined or TokenType.Unused => AddedScore,
                _ => 0,
            };
        }
        CheckMerges(model, scores, location);
        return scores;
    }

    private static void CheckMerges(BpeModel model, float[] scores, string location)
    {
        BpeModel rebuilt = ScoredPieces.BuildModel(model.Vocabulary, scores, model.Options.UnknownId, location);
        var expected = new HashSet<(int, int)>(rebuilt.Merges.Select(m => (m.Left, m.Right)));
        foreach (Merge merge in model.Merges)
        {
            if (!expected.Remove((merge.Left, merge.Right)))
                Refuse(merge, "twice");
        }
        foreach (Merge merge in rebuilt.Merges)
        {
            if (expected.Contains((merge.Left, merge.Right)))
                Refuse(merge, "not at all");
        }
        void Refuse(Merge merge, string howOften) => throw new NotSupportedModelException(
            $"{location}: GGUF has scores in place of merges, and these merges are not such as scores give: {ModelVocabulary.Quote(model.Vocabulary.FindText(merge.Left) ?? "")} and {ModelVocabulary.Quote(model.Vocabulary.FindText(merge.Right) ?? "")} merge {howOften}.");
    }
}
