using System.Globalization;
using System.Text;
using System.Text.Json;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>What the files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json, generation_config.json, chat_template.jinja.</summary>
internal sealed class TokenizerConfig
{
    private readonly List<(JsonPart Part, AddedToken Token)> addedTokens = [];
    private readonly HashSet<string> namedTokens = new(StringComparer.Ordinal);
    private JsonPart root;
    private readonly Dictionary<string, string> names = new(StringComparer.Ordinal);
    private readonly List<int> generationEnds = [];

    private TokenizerConfig()
    {
    }

    /// <summary>The chat template, or null.</summary>
    public string? ChatTemplate { get; private set; }

    /// <summary>The class of transformers that reads the folder, without the "Fast" at its end; null if none is named.</summary>
    public string? ClassName { get; private set; }

    /// <summary>Added tokens of tokenizer_config.json and, where it was asked for, added_tokens.json.</summary>
    public IEnumerable<AddedToken> AddedTokens => addedTokens.Select(t => t.Token);

    /// <summary>Reads what there is in a folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="hasVocabularyFile">True if the vocabulary is in a file that has no added tokens of its own; added_tokens.json then has them.</param>
    public static TokenizerConfig Read(string folder, bool hasVocabularyFile = false)
    {
        var config = new TokenizerConfig();
        ReadFile(folder, "tokenizer_config.json", config.ReadTokenizerConfig);
        ReadFile(folder, "special_tokens_map.json", config.ReadNames);
        if (hasVocabularyFile)
            ReadFile(folder, "added_tokens.json", config.ReadAddedTokensFile);
        ReadFile(folder, "generation_config.json", config.ReadGenerationConfig);
        ReadFile(folder, "chat_template.json", config.ReadChatTemplate);
        string template = Path.Combine(folder, "chat_template.jinja");
        if (File.Exists(template))
            config.ChatTemplate = Encoding.UTF8.GetString(TokenizerFile.ReadBytes(template));
        return config;
    }

    /// <summary>Added tokens that tokenizer_config.json has and tokenizer.json lacks; transformers adds them when it loads the folder.</summary>
    public IEnumerable<AddedToken> TokensMissingFrom(IReadOnlyCollection<AddedToken> present, ModelVocabulary vocabulary)
    {
        var contents = present.Select(t => t.Content).ToHashSet(StringComparer.Ordinal);
        var ids = present.Select(t => t.Id).ToHashSet();
        foreach ((JsonPart part, AddedToken token) in addedTokens)
        {
            if (token.Content.Length == 0 || contents.Contains(token.Content))
                continue;
            TokenizerJsonReader.CheckId(part, token, vocabulary);
            if (!contents.Add(token.Content) || !ids.Add(token.Id))
                throw part.Wrong("an id of its own", $"{token.Id}, which another added token has");
            yield return token;
        }
    }

    /// <summary>True or false as tokenizer_config.json says under a key; null if it says nothing.</summary>
    public bool? FindFlag(string key) => root.Kind != JsonValueKind.Object || root.Find(key).IsNull ? null : root[key].GetBoolean(false);

    /// <summary>An integer of tokenizer_config.json; null if it has none of that name.</summary>
    public int? FindInteger(string key) => root.Kind != JsonValueKind.Object || root.Find(key).IsNull ? null : root[key].GetInteger();

    /// <summary>The name of a special token such as <c>bos_token</c>, or null.</summary>
    public string? FindName(string key) => names.GetValueOrDefault(key);

    /// <summary>True if one of the files names a special token so.</summary>
    public bool IsNamed(string text) => namedTokens.Contains(text);

    /// <summary>The ids of the named special tokens.</summary>
    /// <param name="added">Added tokens.</param>
    /// <param name="vocabulary">The other tokens.</param>
    /// <param name="otherwise">The ids where the files name none.</param>
    public SpecialTokenIds ResolveSpecialTokens(IReadOnlyCollection<AddedToken> added, ModelVocabulary vocabulary, SpecialTokenIds? otherwise = null)
    {
        int? eos = Find("eos_token", otherwise?.Eos);
        IEnumerable<int> ends = generationEnds;
        return new SpecialTokenIds(
            Find("bos_token", otherwise?.Bos), eos, Find("unk_token", otherwise?.Unknown), Find("pad_token", otherwise?.Padding),
            SpecialTokenIds.EndIds(eos is { } id ? ends.Append(id) : ends, added));

        int? Find(string key, int? idOtherwise) => !names.TryGetValue(key, out string? name) ? idOtherwise
            : added.FirstOrDefault(t => t.Content == name)?.Id ?? vocabulary.FindId(name);
    }

    private static void ReadFile(string folder, string name, Action<JsonPart> read)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path))
            return;
        JsonDocument document = TokenizerFile.Parse(TokenizerFile.ReadBytes(path), path);
        // Not disposed: parts of it are kept for messages. It does not rent from a pool that would notice.
        read(new JsonPart(document.RootElement, path, ""));
    }

    private void ReadTokenizerConfig(JsonPart part)
    {
        root = part;
        ReadNames(root);
        if (root.Find("tokenizer_class") is { IsNull: false } name)
            ClassName = name.GetString() is var text && text.EndsWith("Fast", StringComparison.Ordinal) ? text[..^4] : text;
        JsonPart added = root.Find("added_tokens_decoder");
        if (!added.IsNull)
        {
            foreach ((string id, JsonPart item) in added.GetMembers())
            {
                if (!int.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out int number))
                    throw added.Wrong("ids as keys", $"'{id}'");
                addedTokens.Add((item, TokenizerJsonReader.ReadAddedToken(item, number)));
            }
        }
        ReadChatTemplate(root);
    }

    private void ReadChatTemplate(JsonPart part)
    {
        JsonPart template = part.Find("chat_template");
        if (template.Kind == JsonValueKind.String)
            ChatTemplate = template.GetString();
        else if (template.Kind == JsonValueKind.Array)
        {
            // Several templates by name; the one called default is for ordinary conversations.
            foreach (JsonPart item in template.GetItems())
            {
                if (item["name"].GetString() == "default")
                    ChatTemplate = item["template"].GetString();
            }
        }
    }

    private void ReadNames(JsonPart part)
    {
        foreach (string key in (ReadOnlySpan<string>)["bos_token", "eos_token", "unk_token", "pad_token", "cls_token", "sep_token", "mask_token"])
        {
            JsonPart value = part.Find(key);
            if (value.IsNull)
                continue;
            names.TryAdd(key, NameIn(value));
            namedTokens.Add(NameIn(value));
        }
        if (part.Find("additional_special_tokens") is { Kind: JsonValueKind.Array } more)
            namedTokens.UnionWith(more.GetItems().Select(NameIn));
    }

    private static string NameIn(JsonPart value) => value.Kind == JsonValueKind.Object ? value["content"].GetString() : value.GetString();

    // Names and ids; which of them are special, the other files say.
    private void ReadAddedTokensFile(JsonPart part)
    {
        var known = addedTokens.Select(t => t.Token.Content).ToHashSet(StringComparer.Ordinal);
        foreach ((string name, JsonPart id) in part.GetMembers())
        {
            if (System.Text.Encoding.UTF8.GetByteCount(name) > TokenizerJsonReader.MaxAddedTokenByteCount)
                throw part.Wrong($"added tokens of at most {TokenizerJsonReader.MaxAddedTokenByteCount} bytes", $"{name.Length} characters");
            if (name.Length > 0 && known.Add(name))
                addedTokens.Add((id, new AddedToken(id.GetInteger(), name, IsSpecial: namedTokens.Contains(name))));
        }
    }

    private void ReadGenerationConfig(JsonPart root)
    {
        JsonPart eos = root.Find("eos_token_id");
        if (eos.Kind == JsonValueKind.Array)
            generationEnds.AddRange(eos.GetItems().Select(i => i.GetInteger()));
        else if (!eos.IsNull)
            generationEnds.Add(eos.GetInteger());
    }
}
