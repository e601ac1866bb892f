using System.Text;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>
/// Reads vocab.txt, BERT's WordPiece vocabulary, one token a line, with the flags of tokenizer_config.json. Where <c>do_lower_case</c> is not said, a vocabulary
/// with capitals is of cased text.
/// </summary>
internal static class VocabTxtReader
{
    private const string Prefix = "##";

    private static readonly string[] refused = ["BertJapaneseTokenizer", "BertweetTokenizer", "PhobertTokenizer", "HerbertTokenizer", "ProphetNetTokenizer", "EsmTokenizer"];

    /// <summary>Reads the file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="config">What the other files of the folder say.</param>
    /// <exception cref="BadFileException">It is damaged, or lacks the unknown token.</exception>
    /// <exception cref="NotSupportedModelException">The class does something that is not known.</exception>
    public static TokenizerParts Read(string path, TokenizerConfig config)
    {
        if (config.ClassName is { } name && refused.Contains(name))
            throw new NotSupportedModelException($"{path}: the rules of {name} are not supported; save the folder with a tokenizer.json (transformers writes one).");
        if (config.FindFlag("do_basic_tokenize") is false)
            throw new NotSupportedModelException($"{path}: WordPiece on text that is not cut into words (do_basic_tokenize: false) is not supported.");
        ModelVocabulary vocabulary = ReadVocabulary(path);
        string unknownName = NameOf("unk_token", "[UNK]");
        int unknown = vocabulary.FindId(unknownName)
            ?? throw BadFileException.Expected(path, "the vocabulary", $"the unknown token {ModelVocabulary.Quote(unknownName)}", "no such token");
        var added = new List<AddedToken>(config.TokensMissingFrom([], vocabulary));
        foreach (string text in (string[])[unknownName, NameOf("cls_token", "[CLS]"), NameOf("sep_token", "[SEP]"), NameOf("pad_token", "[PAD]"), NameOf("mask_token", "[MASK]")])
        {
            if (vocabulary.FindId(text) is { } id && added.TrueForAll(t => t.Id != id))
                added.Add(new AddedToken(id, text));
        }
        return new TokenizerParts
        {
            Location = path,
            Model = new WordPieceModel(vocabulary, unknown, Prefix),
            AddedTokens = added,
            Normalizer = new BertNormalizer(
                cleansText: true, config.FindFlag("tokenize_chinese_chars") ?? true, config.FindFlag("strip_accents"), config.FindFlag("do_lower_case") ?? !HasCapitals(vocabulary)),
            PreTokenizer = new BertPreTokenizer(),
            PostProcessor = TemplatePostProcessor.Around(Named("cls_token", "[CLS]"), Named("sep_token", "[SEP]")),
            Decoder = new WordPieceDecoder(Prefix, cleansUp: true),
            Special = config.ResolveSpecialTokens(added, vocabulary, new SpecialTokenIds(null, null, unknown, vocabulary.FindId("[PAD]"), [])),
            ChatTemplate = config.ChatTemplate,
        };

        string NameOf(string key, string otherwise) => config.FindName(key) ?? otherwise;
        (int, string)? Named(string key, string otherwise) => vocabulary.FindId(NameOf(key, otherwise)) is { } id ? (id, NameOf(key, otherwise)) : null;
    }

    private static ModelVocabulary ReadVocabulary(string path)
    {
        byte[] bytes = TokenizerFile.ReadBytes(path);
        if (!System.Text.Unicode.Utf8.IsValid(bytes))
            throw BadFileException.Expected(path, "the file", "UTF-8", "other bytes");
        string[] lines = Encoding.UTF8.GetString(bytes).Split('\n');
        if (lines.Length > ModelVocabulary.MaxTokenId + 1)
            throw BadFileException.Expected(path, "the file", $"at most {ModelVocabulary.MaxTokenId + 1} lines", $"{lines.Length}");
        var tokens = new List<KeyValuePair<string, int>>(lines.Length);
        for (int id = 0; id < lines.Length; id++)
        {
            // An empty line is an id without a token.
            string text = lines[id].TrimEnd('\r');
            if (text.Length > 0)
                tokens.Add(new(id == 0 ? text.TrimStart('\uFEFF') : text, id));
        }
        return tokens.Count == 0 ? throw BadFileException.Expected(path, "the file", "tokens", "none") : new ModelVocabulary([.. tokens], path);
    }

    private static bool HasCapitals(ModelVocabulary vocabulary)
    {
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.FindText(id) is { Length: > 0 } text && text[0] is not ('[' or '<') && text.AsSpan().IndexOfAnyInRange('A', 'Z') >= 0)
                return true;
        }
        return false;
    }
}
