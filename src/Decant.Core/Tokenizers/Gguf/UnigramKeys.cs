using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>
/// A unigram vocabulary as <c>tokenizer.ggml.model</c> = <c>t5</c>: tokens, scores, types, SentencePiece's map of characters and its rules for spaces. T5, and
/// XLM-RoBERTa under BERT's architecture.
/// </summary>
internal static class UnigramKeys
{
    /// <summary>Writes the keys.</summary>
    /// <exception cref="NotSupportedModelException">The normalizer or pre-tokenizer has no form in GGUF.</exception>
    public static void Write(Tokenizer tokenizer, UnigramModel model, GgufMetadata metadata, int vocabularySize, List<string> notices)
    {
        (CharacterMap? map, SpaceRules rules) = ReadRules(tokenizer.Parts, notices);
        var (texts, types) = GgufTokens.Collect(tokenizer, vocabularySize);
        types[model.Options.UnknownId] = (int)TokenType.Unknown;
        if (model.Options.HasByteFallback)
            GgufTokens.MarkBytes(model.Vocabulary, types);
        float[] scores = new float[texts.Length];
        for (int id = 0; id < scores.Length; id++)
            scores[id] = (TokenType)types[id] == TokenType.Normal && id < model.Scores.Count ? (float)model.Scores[id] : 0;
        metadata.Set(GgufKeys.Model, GgufValue.From("t5"));
        metadata.Set(GgufKeys.Pre, GgufValue.From("default"));
        metadata.Set(GgufKeys.Tokens, GgufValue.From(texts));
        metadata.Set(GgufKeys.Scores, GgufValue.From(scores));
        metadata.Set(GgufKeys.TokenTypes, GgufValue.From(types));
        metadata.Set(GgufKeys.AddSpacePrefix, GgufValue.From(rules.AddsSpace));
        metadata.Set(GgufKeys.RemoveExtraSpaces, GgufValue.From(rules.RemovesExtraSpaces));
        if (map is not null)
            metadata.Set(GgufKeys.CharacterMap, GgufValue.From(map.Encoded));
        else
            metadata.Remove(GgufKeys.CharacterMap);
    }

    /// <summary>Reads the keys.</summary>
    public static TokenizerParts Read(GgufVocabulary file)
    {
        float[] scores = file.ReadScores();
        long[] types = file.Types ?? throw BadFileException.Expected(file.Metadata.Location, GgufKeys.TokenTypes, "an array of integers", "no such key");
        SpecialTokenIds special = file.ReadSpecial(null, 1, 2);
        int unknown = special.Unknown ?? throw BadFileException.Expected(file.Metadata.Location, GgufKeys.UnknownId, "the id of the unknown token", "none");
        double[] offered = new double[scores.Length];
        var unreachable = new HashSet<int>();
        float least = float.MaxValue;
        for (int id = 0; id < scores.Length; id++)
        {
            if (!float.IsFinite(scores[id]))
                throw BadFileException.Expected(file.Metadata.Location, GgufKeys.Scores, $"a finite score of token {id}", $"{scores[id]}");
            var type = (TokenType)types[id];
            // llama.cpp: a user-defined piece scores 0.
            offered[id] = type == TokenType.UserDefined ? 0 : scores[id];
            if (type == TokenType.Normal)
                least = Math.Min(least, scores[id]);
            if (type is not (TokenType.Normal or TokenType.UserDefined))
                unreachable.Add(id);
        }
        var options = new UnigramOptions(unknown, UnknownScore: (least == float.MaxValue ? 0 : least) - UnigramOptions.UnknownPenalty);
        var rules = new SpaceRules(
            AddsSpace: file.Metadata.FindBool(GgufKeys.AddSpacePrefix) ?? false,
            RemovesExtraSpaces: file.Metadata.FindBool(GgufKeys.RemoveExtraSpaces) ?? false);
        byte[] map = file.Metadata.FindBytes(GgufKeys.CharacterMap) ?? [];
        return new TokenizerParts
        {
            Location = file.Metadata.Location,
            Model = new UnigramModel(file.Vocabulary, offered, options, unreachable),
            AddedTokens = file.AddedTokens,
            Normalizer = new SentencePieceNormalizer(
                map.Length == 0 ? null : CharacterMap.Read(map, $"{file.Metadata.Location}: {GgufKeys.CharacterMap}"), null, rules),
            PostProcessor = GgufTokenizerReader.Template(file, special, addsBosByDefault: false, addsEosByDefault: true),
            Special = special,
            ChatTemplate = file.Metadata.FindString(GgufKeys.ChatTemplate),
            Decoder = new MetaspaceDecoder(GgufTokens.SpaceMark, rules.AddsSpace ? PrependScheme.Always : PrependScheme.Never, splits: true),
        };
    }

    // The map, and what becomes of spaces: SentencePiece's own normalizer says it, or the parts that tokenizer.json has in its place.
    private static (CharacterMap? Map, SpaceRules Rules) ReadRules(TokenizerParts parts, List<string> notices)
    {
        if (parts is { Normalizer: SentencePieceNormalizer own, PreTokenizer: null } && own.Rules is { PutsSpaceLast: false, EscapesSpaces: true })
            return (own.Map, own.Rules);
        List<Normalizer> normalizers = parts.Normalizer switch
        {
            null => [],
            SequenceNormalizer sequence => [.. sequence.Parts],
            var one => [one],
        };
        CharacterMap? map = null;
        if (normalizers is [PrecompiledNormalizer precompiled, ..])
        {
            map = precompiled.Map;
            normalizers.RemoveAt(0);
            notices.Add("llama.cpp applies the map of characters as SentencePiece does, from left to right; tokenizer.json goes by graphemes. Stacked marks can come out otherwise.");
        }
        bool removes = normalizers.Count > 0 || parts.PreTokenizer is SequencePreTokenizer;
        MetaspacePreTokenizer? metaspace = parts.PreTokenizer switch
        {
            MetaspacePreTokenizer one => one,
            SequencePreTokenizer { Parts: [WhitespaceSplitPreTokenizer, MetaspacePreTokenizer last] } => last,
            _ => null,
        };
        if (metaspace is null || !metaspace.IsSentencePieces || !normalizers.TrueForAll(n => n is StripNormalizer or SpacesNormalizer))
            throw new NotSupportedModelException($"{parts.Location}: GGUF has no keys for this normalizer and pre-tokenizer of a unigram vocabulary: it knows SentencePiece's map of characters and spaces, no lower case and no accents.");
        if (metaspace.Scheme == PrependScheme.First)
            notices.Add(GgufTokens.FirstSpaceNotice);
        return (map, new SpaceRules(metaspace.Scheme != PrependScheme.Never, RemovesExtraSpaces: removes));
    }
}
