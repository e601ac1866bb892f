using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>
/// Reads the tokenizer in GGUF metadata, as llama.cpp understands it: <c>gpt2</c> is byte-level BPE whose rules
/// <c>tokenizer.ggml.pre</c> names, <c>llama</c> is SentencePiece BPE by scores with byte fallback,
/// <c>t5</c> a unigram model and <c>bert</c> WordPiece.
/// </summary>
internal static class GgufTokenizerReader
{
    private static readonly (string Model, Func<GgufMetadata, TokenizerParts> Read)[] models =
    [
        ("gpt2", metadata => ReadByteLevel(new GgufVocabulary(metadata))),
        ("llama", metadata => ReadSentencePiece(new GgufVocabulary(metadata))),
        ("t5", metadata => UnigramKeys.Read(new GgufVocabulary(metadata))),
        ("bert", WordPieceKeys.Read),
    ];

    /// <summary>Reads the tokenizer; null if the metadata has none.</summary>
    public static TokenizerParts? Read(GgufMetadata metadata)
    {
        string? model = metadata.FindString(GgufKeys.Model);
        if (model is null or "none" or "no_vocab")
            return null;
        foreach ((string name, Func<GgufMetadata, TokenizerParts> read) in models)
        {
            if (name == model)
                return read(metadata);
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
            PreTokenizer = file.Metadata.FindBool(GgufKeys.AddSpacePrefix) is true ? GgufPreTokenizers.WithSpace(rules.PreTokenizer) : rules.PreTokenizer,
            PostProcessor = Template(file, special, rules.AddsBosByDefault),
            Decoder = new ByteLevelDecoder(addPrefixSpace: false, trimOffsets: false, useRegex: false),
            Special = special,
            ChatTemplate = file.Metadata.FindString(GgufKeys.ChatTemplate),
        };
    }

    private static TokenizerParts ReadSentencePiece(GgufVocabulary file)
    {
        float[] scores = file.ReadScores();
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

    /// <summary>What the keys say is put around a text.</summary>
    public static TemplatePostProcessor? Template(GgufVocabulary file, SpecialTokenIds special, bool addsBosByDefault, bool addsEosByDefault = false) => Template(
        file,
        file.Metadata.FindBool(GgufKeys.AddBos) ?? addsBosByDefault ? special.Bos : null,
        file.Metadata.FindBool(GgufKeys.AddEos) ?? addsEosByDefault ? special.Eos : null);

    /// <summary>A template of one token before a text and one behind it, either perhaps null.</summary>
    public static TemplatePostProcessor? Template(GgufVocabulary file, int? before, int? after)
    {
        return TemplatePostProcessor.Around(Named(before), Named(after));
        (int, string)? Named(int? id) => id is { } known ? (known, file.Vocabulary.FindText(known) ?? "") : null;
    }
}
