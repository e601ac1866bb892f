using System.Globalization;
using System.Text;
using System.Text.Json;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>What the files beside a tokenizer say: tokenizer_config.json, special_tokens_map.json, generation_config.json, chat_template.jinja.</summary>
internal sealed class TokenizerConfig
{
    private readonly List<(JsonPart Part, AddedToken Token)> addedTokens = [];
    private readonly Dictionary<string, string> names = new(StringComparer.Ordinal);
    private readonly List<int> generationEnds = [];

    private TokenizerConfig()
    {
    }

    /// <summary>The chat template, or null.</summary>
    public string? ChatTemplate { get; private set; }

    /// <summary>Reads what there is in a folder.</summary>
    public static TokenizerConfig Read(string folder)
    {
        var config = new TokenizerConfig();
        ReadFile(folder, "tokenizer_config.json", config.ReadTokenizerConfig);
        ReadFile(folder, "special_tokens_map.json", config.ReadNames);
        ReadFile(folder, "generation_config.json", config.ReadGenerationConfig);
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

    /// <summary>The ids of the named special tokens.</summary>
    public SpecialTokenIds ResolveSpecialTokens(IReadOnlyCollection<AddedToken> added, ModelVocabulary vocabulary)
    {
        int? eos = Find("eos_token");
        IEnumerable<int> ends = generationEnds;
        return new SpecialTokenIds(Find("bos_token"), eos, Find("unk_token"), Find("pad_token"), SpecialTokenIds.EndIds(eos is { } id ? ends.Append(id) : ends, added));

        int? Find(string key) => !names.TryGetValue(key, out string? name) ? null
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

    private void ReadTokenizerConfig(JsonPart root)
    {
        ReadNames(root);
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
        JsonPart template = root.Find("chat_template");
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

    private void ReadNames(JsonPart root)
    {
        foreach (string key in (ReadOnlySpan<string>)["bos_token", "eos_token", "unk_token", "pad_token"])
        {
            JsonPart value = root.Find(key);
            if (value.IsNull)
                continue;
            string name = value.Kind == JsonValueKind.Object ? value["content"].GetString() : value.GetString();
            names.TryAdd(key, name);
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
