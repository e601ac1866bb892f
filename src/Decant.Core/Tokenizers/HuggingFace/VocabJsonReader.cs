using System.Text;
using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>
/// Reads vocab.json and merges.txt, which hold a BPE vocabulary and nothing of its rules: the class in tokenizer_config.json tells them, without one the
/// vocabulary (see <see cref="ByteLevelRules.Infer"/>; <c>&lt;/w&gt;</c> at the ends of words is GPT's). Tokens that no merge makes are special ones.
/// </summary>
internal static class VocabJsonReader
{
    private const string WordEnd = "</w>";

    private static readonly string[] robertas = ["RobertaTokenizer", "BartTokenizer", "LongformerTokenizer", "LEDTokenizer"];

    // They are read from the same two files by rules of their own.
    private static readonly string[] refused = ["CLIPTokenizer", "BlenderbotTokenizer", "BlenderbotSmallTokenizer", "CTRLTokenizer", "FSMTTokenizer", "XLMTokenizer", "FlaubertTokenizer", "DebertaTokenizer"];

    /// <summary>Reads the two files.</summary>
    /// <param name="path">The path of vocab.json.</param>
    /// <param name="mergesPath">The path of merges.txt.</param>
    /// <param name="config">What the other files of the folder say.</param>
    /// <exception cref="BadFileException">A file is missing or damaged.</exception>
    /// <exception cref="NotSupportedModelException">The class does something that is not known.</exception>
    public static TokenizerParts Read(string path, string mergesPath, TokenizerConfig config)
    {
        if (config.ClassName is { } name && refused.Contains(name))
            throw new NotSupportedModelException($"{path}: the rules of {name} are not supported; save the folder with a tokenizer.json (transformers writes one).");
        using JsonDocument document = TokenizerFile.Parse(TokenizerFile.ReadBytes(path), path);
        ModelVocabulary vocabulary = ModelVocabulary.Read(new JsonPart(document.RootElement, path, ""));
        if (!File.Exists(mergesPath))
            throw new BadFileException($"{path}: merges.txt is missing beside it, without which a BPE vocabulary cuts no word. Take it from where the model comes from, or a tokenizer.json, which holds both.");
        Merge[] merges = BpeJson.ResolveMerges(ReadMerges(mergesPath), vocabulary, mergesPath);
        if (config.ClassName == "OpenAIGPTTokenizer" || config.ClassName is null && HasWordEnds(vocabulary))
            return MakeGpt(path, vocabulary, merges, config);
        bool isRoberta = config.ClassName is null ? LooksLikeRoberta(vocabulary) : robertas.Contains(config.ClassName);
        ByteLevelRules rules = isRoberta ? ByteLevelRules.Gpt2
            : config.ClassName == "Qwen2Tokenizer" ? ByteLevelRules.Qwen2
            : ByteLevelRules.Infer(vocabulary, merges);
        return MakeByteLevel(path, vocabulary, merges, rules, isRoberta, config);
    }

    private static string[] ReadMerges(string path)
    {
        string[] lines = Encoding.UTF8.GetString(TokenizerFile.ReadBytes(path)).Split('\n');
        var merges = new List<string>(lines.Length);
        for (int i = 0; i < lines.Length; i++)
        {
            string line = lines[i].TrimEnd('\r').TrimStart('\uFEFF');
            if (line.Length > 0 && !(i == 0 && line.StartsWith("#version", StringComparison.Ordinal)))
                merges.Add(line);
        }
        return [.. merges];
    }

    private static bool HasWordEnds(ModelVocabulary vocabulary)
    {
        int count = 0;
        for (int id = 0; id < vocabulary.Count; id++)
            count += vocabulary.FindText(id) is { } text && text.Length > WordEnd.Length && text.EndsWith(WordEnd, StringComparison.Ordinal) ? 1 : 0;
        return count > vocabulary.Count / 10;
    }

    private static bool LooksLikeRoberta(ModelVocabulary vocabulary) =>
        (vocabulary.FindId("<s>"), vocabulary.FindId("<pad>"), vocabulary.FindId("</s>"), vocabulary.FindId("<unk>")) is (0, 1, 2, 3);

    private static TokenizerParts MakeGpt(string path, ModelVocabulary vocabulary, Merge[] merges, TokenizerConfig config)
    {
        string unknownName = config.FindName("unk_token") ?? "<unk>";
        int unknown = vocabulary.FindId(unknownName)
            ?? throw BadFileException.Expected(path, "the vocabulary", $"the unknown token {ModelVocabulary.Quote(unknownName)}", "no such token");
        AddedToken[] added = CollectAddedTokens(vocabulary, config, [unknownName], [], _ => false);
        return new TokenizerParts
        {
            Location = path,
            Model = new BpeModel(vocabulary, merges, new BpeOptions(IsByteLevel: false, unknown, WordSuffix: WordEnd)),
            AddedTokens = added,
            Normalizer = new BertNormalizer(cleansText: true, padsChinese: true, stripsAccents: null, lowercases: true),
            PreTokenizer = new BertPreTokenizer(),
            Decoder = new SuffixDecoder(WordEnd),
            Special = config.ResolveSpecialTokens(added, vocabulary, new SpecialTokenIds(null, null, unknown, null, [])),
            ChatTemplate = config.ChatTemplate,
        };
    }

    private static TokenizerParts MakeByteLevel(
        string path, ModelVocabulary vocabulary, Merge[] merges, ByteLevelRules rules, bool isRoberta, TokenizerConfig config)
    {
        HashSet<int> made = [.. merges.Select(m => m.Result)];
        string[] usual = isRoberta ? ["<s>", "<pad>", "</s>", "<unk>"] : [];
        string[] appended = isRoberta ? ["<mask>"] : config.ClassName is null or "GPT2Tokenizer" or "Qwen2Tokenizer" ? ["<|endoftext|>"] : [];
        AddedToken[] added = CollectAddedTokens(
            vocabulary, config, usual, appended, id => vocabulary.FindText(id) is { Length: > 1 } && !made.Contains(id));
        int? end = IdOf("<|endoftext|>");
        SpecialTokenIds otherwise = isRoberta
            ? new SpecialTokenIds(IdOf("<s>"), IdOf("</s>"), IdOf("<unk>"), IdOf("<pad>"), [])
            : new SpecialTokenIds(config.ClassName == "Qwen2Tokenizer" ? null : end, end, null, config.ClassName == "Qwen2Tokenizer" ? end : null, []);
        SpecialTokenIds special = config.ResolveSpecialTokens(added, vocabulary, otherwise);
        bool addsSpace = config.FindFlag("add_prefix_space") ?? false;
        return new TokenizerParts
        {
            Location = path,
            Model = new BpeModel(vocabulary, merges, new BpeOptions(IsByteLevel: true)),
            AddedTokens = added,
            Normalizer = rules.Normalizer,
            PreTokenizer = rules.Make(addsSpace),
            PostProcessor = isRoberta
                ? new RobertaPostProcessor(Named("sep_token", special.Eos, "</s>"), Named("cls_token", special.Bos, "<s>"), trimOffsets: true, addsSpace)
                : config.FindFlag("add_bos_token") is true && special.Bos is { } bos ? TemplatePostProcessor.Around((bos, TextOf(bos)), null) : null,
            Decoder = new ByteLevelDecoder(addPrefixSpace: false, trimOffsets: true, useRegex: true),
            Special = special,
            ChatTemplate = config.ChatTemplate,
        };

        int? IdOf(string text) => added.FirstOrDefault(t => t.Content == text)?.Id ?? vocabulary.FindId(text);
        string TextOf(int id) => added.FirstOrDefault(t => t.Id == id)?.Content ?? vocabulary.FindText(id) ?? "";
        (string, int) Named(string key, int? idOtherwise, string usualName)
        {
            string text = config.FindName(key) ?? usualName;
            return (text, IdOf(text) ?? idOtherwise ?? throw BadFileException.Expected(path, "the vocabulary", $"the token {ModelVocabulary.Quote(text)}", "no such token"));
        }
    }

    /// <summary>
    /// The tokens that are sought before anything else: those the other files list, those of the vocabulary that only such a search can find, and names that
    /// the class adds behind the vocabulary where no file lists added tokens.
    /// </summary>
    private static AddedToken[] CollectAddedTokens(
        ModelVocabulary vocabulary, TokenizerConfig config, IReadOnlyList<string> usual, IReadOnlyList<string> appended, Func<int, bool> isUnreachable)
    {
        var added = new List<AddedToken>(config.TokensMissingFrom([], vocabulary));
        bool isListed = added.Count > 0;
        var names = added.Select(t => t.Content).ToHashSet(StringComparer.Ordinal);
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.FindText(id) is { Length: > 0 and <= TokenizerJsonReader.MaxAddedTokenByteCount / 3 } text
                && (isUnreachable(id) || usual.Contains(text) || config.IsNamed(text)) && names.Add(text))
                added.Add(new AddedToken(id, text, StripsLeft: text == "<mask>"));
        }
        int next = Math.Max(vocabulary.Count, added.Count == 0 ? 0 : added.Max(t => t.Id) + 1);
        foreach (string text in isListed ? [] : appended)
        {
            if (names.Add(text))
                added.Add(new AddedToken(next++, text, StripsLeft: text == "<mask>"));
        }
        return [.. added];
    }
}
