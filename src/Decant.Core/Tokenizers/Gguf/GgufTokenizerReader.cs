using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>
/// Reads the tokenizer in GGUF metadata, as llama.cpp understands it: <c>gpt2</c> is byte-level BPE whose rules
/// <c>tokenizer.ggml.pre</c> names, <c>llama</c> is SentencePiece BPE by scores with byte fallback.
/// </summary>
internal static class GgufTokenizerReader
{
    private static readonly (string Model, Func<GgufVocabulary, TokenizerParts> Read)[] models =
    [
        ("gpt2", ReadByteLevel),
        ("llama", ReadSentencePiece),
    ];

    /// <summary>Reads the tokenizer; null if the metadata has none.</summary>
    public static TokenizerParts? Read(GgufMetadata metadata)
    {
        string? model = metadata.FindString(GgufKeys.Model);
        if (model is null or "none" or "no_vocab")
            return null;
        foreach ((string name, Func<GgufVocabulary, TokenizerParts> read) in models)
        {
            if (name == model)
                return read(new GgufVocabulary(metadata));
        }
        throw new NotSupportedModelException($"{metadata.Location}: {GgufKeys.Model}: the tokenizer model '{model}' is not supported.");
    }

    private static TokenizerParts ReadByteLevel(GgufVocabulary file)
    {
        string pre = file.Metadata.FindString(GgufKeys.Pre)
            ?? throw new NotSupportedModelException($"{file.Metadata.Location}: {GgufKeys.Pre} is missing, so the rules for splitting text are not known; convert the model again with a newer converter.");
        GgufPreTokenizer rules = GgufPreTokenizers.Find(pre)
            ?? throw new NotSupportedModelException($"{file.Metadata.Location}: {GgufKeys.Pre}: the pre-tokenizer '{pre}' is not supported (known: {string.Join(", ", GgufPreTokenizers.All.Select(p => p.Name))}).");
        string[] merges = file.Metadata.FindStrings(GgufKeys.Merges)
            ?? throw BadFileException.Expected(file.Metadata.Location, GgufKeys.Merges, "an array of strings", "no such key");
        Merge[] resolved = BpeJson.ResolveMerges(merges, file.Vocabulary, $"{file.Metadata.Location}: {GgufKeys.Merges}");
        SpecialTokenIds special = file.ReadSpecial(null, null, null);
        return new TokenizerParts
        {
            Location = file.Metadata.Location,
            Model = new BpeModel(file.Vocabulary, resolved, new BpeOptions(IsByteLevel: true, IgnoresMerges: rules.IgnoresMerges)),
            AddedTokens = file.AddedTokens,
            Normalizer = rules.Normalizer,
            PreTokenizer = rules.PreTokenizer,
            PostProcessor = Template(file, special, rules.AddsBosByDefault),
            Decoder = new ByteLevelDecoder(addPrefixSpace: false, trimOffsets: false, useRegex: false),
            Special = special,
            ChatTemplate = file.Metadata.FindString(GgufKeys.ChatTemplate),
        };
    }

    private static TokenizerParts ReadSentencePiece(GgufVocabulary file)
    {
        float[] scores = file.Metadata.FindSingles(GgufKeys.Scores)
            ?? throw BadFileException.Expected(file.Metadata.Location, GgufKeys.Scores, "an array of F32", "no such key");
        if (scores.Length != file.Texts.Count)
            throw BadFileException.Expected(file.Metadata.Location, GgufKeys.Scores, $"{file.Texts.Count} scores, one per token", $"{scores.Length}");
        bool addsSpace = file.Metadata.FindBool(GgufKeys.AddSpacePrefix) ?? true;
        // llama.cpp's defaults where the ids are missing.
        SpecialTokenIds special = file.ReadSpecial(1, 2, 0);
        ReplaceNormalizer spaces = new(" ", GgufTokens.SpaceMark);
        return new TokenizerParts
        {
            Location = file.Metadata.Location,
            Model = ScoredPieces.BuildModel(file.Vocabulary, scores, special.Unknown, file.Metadata.Location),
            AddedTokens = file.AddedTokens,
            Normalizer = addsSpace ? new SequenceNormalizer([new PrependNormalizer(GgufTokens.SpaceMark), spaces]) : spaces,
            PostProcessor = Template(file, special, addsBosByDefault: true),
            Special = special,
            ChatTemplate = file.Metadata.FindString(GgufKeys.ChatTemplate),
            Decoder = new SentencePieceDecoder([(GgufTokens.SpaceMark, " ")], hasByteFallback: true, isFused: true, addsSpace ? (' ', 1, 0) : null),
        };
    }

    private static TemplatePostProcessor? Template(GgufVocabulary file, SpecialTokenIds special, bool addsBosByDefault)
    {
        int? bos = file.Metadata.FindBool(GgufKeys.AddBos) ?? addsBosByDefault ? special.Bos : null;
        int? eos = file.Metadata.FindBool(GgufKeys.AddEos) ?? false ? special.Eos : null;
        return TemplatePostProcessor.Around(Named(bos), Named(eos));
        (int, string)? Named(int? id) => id is { } known ? (known, file.Vocabulary.FindText(known) ?? "") : null;
    }
}
