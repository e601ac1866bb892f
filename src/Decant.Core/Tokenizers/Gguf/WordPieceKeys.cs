using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>
/// A WordPiece vocabulary as <c>tokenizer.ggml.model</c> = <c>bert</c>. Tokens that go on with a word lose their ##, all others but control tokens get a ▁ in
/// front; Bos is [CLS].
/// </summary>
internal static class WordPieceKeys
{
    private const string Prefix = "##";
    // Words of more code points are unknown in BERT; llama.cpp has no such bound.
    private const int MostCharacters = 100;

    /// <summary>Writes the keys.</summary>
    /// <exception cref="NotSupportedModelException">The normalizer or pre-tokenizer is not BERT's.</exception>
    public static void Write(Tokenizer tokenizer, WordPieceModel model, SpecialTokenIds special, GgufMetadata metadata, int vocabularySize, List<string> notices)
    {
        TokenizerParts parts = tokenizer.Parts;
        if (parts is not { Normalizer: BertNormalizer { CleansText: true, PadsChinese: true } normalizer, PreTokenizer: BertPreTokenizer } || model.Prefix != Prefix)
            throw new NotSupportedModelException($"{parts.Location}: GGUF has WordPiece behind BERT's own normalizer (clean_text, handle_chinese_chars) and pre-tokenizer only.");
        if (model.MostCharacters != MostCharacters)
            notices.Add($"GGUF cannot say that words of more than {model.MostCharacters} characters are unknown.");
        var (texts, types) = GgufTokens.Collect(tokenizer, vocabularySize);
        for (int id = 0; id < texts.Length; id++)
        {
            if ((TokenType)types[id] is TokenType.Normal or TokenType.UserDefined)
                texts[id] = texts[id].StartsWith(Prefix, StringComparison.Ordinal) && texts[id].Length > Prefix.Length ? texts[id][Prefix.Length..] : GgufTokens.SpaceMark + texts[id];
        }
        metadata.Set(GgufKeys.Model, GgufValue.From("bert"));
        metadata.Set(GgufKeys.Pre, GgufValue.From("default"));
        metadata.Set(GgufKeys.Tokens, GgufValue.From(texts));
        metadata.Set(GgufKeys.TokenTypes, GgufValue.From(types));
        metadata.Set(GgufKeys.Lowercase, GgufValue.From(normalizer.Lowercases));
        metadata.Set(GgufKeys.StripAccents, GgufValue.From(normalizer.StripsAccents ?? normalizer.Lowercases));
        GgufTokenizerExporter.WriteId(metadata, GgufKeys.ClassId, special.Bos);
        GgufTokenizerExporter.WriteId(metadata, GgufKeys.SeparatorId, special.Eos);
        GgufTokenizerExporter.WriteId(metadata, GgufKeys.MaskId, tokenizer.FindId("[MASK]"));
        metadata.Set(GgufKeys.AddSeparator, GgufValue.From(tokenizer.SuffixIds.Count > 0));
    }

    /// <summary>Reads the keys.</summary>
    public static TokenizerParts Read(GgufMetadata metadata)
    {
        var file = new GgufVocabulary(metadata, Respell);
        // llama.cpp's defaults where the ids are missing are those of BERT's first vocabulary.
        SpecialTokenIds special = file.ReadSpecial(101, null, 100);
        int unknown = special.Unknown ?? throw BadFileException.Expected(metadata.Location, GgufKeys.UnknownId, "the id of the unknown token", "none");
        int? separator = file.ReadId(GgufKeys.SeparatorId, 102);
        bool addsBos = metadata.FindBool(GgufKeys.AddBos) ?? true;
        bool addsSeparator = metadata.FindBool(GgufKeys.AddSeparator) ?? true;
        bool lowercases = metadata.FindBool(GgufKeys.Lowercase) ?? true;
        bool stripsAccents = metadata.FindBool(GgufKeys.StripAccents) ?? lowercases;
        return new TokenizerParts
        {
            Location = metadata.Location,
            Model = new WordPieceModel(file.Vocabulary, unknown, Prefix, MostCharacters),
            AddedTokens = file.AddedTokens,
            Normalizer = new BertNormalizer(cleansText: true, padsChinese: true, stripsAccents == lowercases ? null : stripsAccents, lowercases),
            PreTokenizer = new BertPreTokenizer(),
            PostProcessor = GgufTokenizerReader.Template(file, addsBos ? special.Bos : null, addsSeparator ? separator : null),
            Special = special,
            ChatTemplate = metadata.FindString(GgufKeys.ChatTemplate),
            Decoder = new WordPieceDecoder(Prefix, cleansUp: true),
        };
    }

    private static string Respell(string text, TokenType type)
    {
        if (type is not (TokenType.Normal or TokenType.UserDefined) || text.Length == 0)
            return text;
        return text.StartsWith(GgufTokens.SpaceMark, StringComparison.Ordinal) ? text[GgufTokens.SpaceMark.Length..] : Prefix + text;
    }
}
