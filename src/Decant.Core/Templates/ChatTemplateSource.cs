using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Templates;

/// <summary>
/// The chat templates a model comes with, as text. Where they are looked for, first found first: GGUF <c>tokenizer.chat_template</c> and
/// <c>tokenizer.chat_template.NAME</c>; in a Hugging Face folder <c>chat_template.jinja</c> with <c>additional_chat_templates/NAME.jinja</c>,
/// then <c>chat_template</c> in <c>chat_template.json</c>, then in <c>tokenizer_config.json</c>: one text or a list of <c>{name, template}</c>.
/// </summary>
public sealed class ChatTemplateSource
{
    private const string defaultName = "default";
    private const string toolsName = "tool_use";
    private const string ggufKey = "tokenizer.chat_template";
    private const string configKey = "chat_template";

    private readonly SortedDictionary<string, (string Text, string Origin)> templates = new(StringComparer.Ordinal);

    private ChatTemplateSource()
    {
    }

    /// <summary>The names of all templates; the ordinary one is <c>default</c>.</summary>
    public IReadOnlyCollection<string> Names => templates.Keys;

    /// <summary>The templates of a model, or null if it has none: then it is no chat model, and nothing is made up for it.</summary>
    /// <param name="model">A GGUF file or a Hugging Face folder.</param>
    /// <exception cref="BadFileException">A template is there but cannot be read.</exception>
    public static ChatTemplateSource? Find(IModelSource model) =>
        model.Gguf is { } gguf ? Find(gguf) : model.HuggingFace is { } files ? Find(files.Folder, files.TokenizerConfig) : null;

    /// <summary>The templates in GGUF metadata, or null.</summary>
    /// <exception cref="BadFileException">The value of a template's key is no string.</exception>
    public static ChatTemplateSource? Find(GgufMetadata metadata)
    {
        var source = new ChatTemplateSource();
        foreach ((string key, _) in metadata.Entries)
        {
            if (key == ggufKey || key.StartsWith(ggufKey + ".", StringComparison.Ordinal))
                source.Add(key == ggufKey ? defaultName : key[(ggufKey.Length + 1)..], metadata.GetString(key), $"{metadata.Location}: {key}");
        }
        return source.OrNull();
    }

    /// <summary>The templates in a folder of tokenizer files, or null.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="tokenizerConfig">Its <c>tokenizer_config.json</c>, or null if there is none.</param>
    /// <exception cref="BadFileException">A template is there but cannot be read.</exception>
    public static ChatTemplateSource? Find(string folder, JsonObject? tokenizerConfig)
    {
        var source = new ChatTemplateSource();
        if (tokenizerConfig is not null)
            source.AddFromConfig(Path.Combine(folder, "tokenizer_config.json"), tokenizerConfig);
        string json = Path.Combine(folder, "chat_template.json");
        if (JsonSideFile.Find(json) is { } processor)
            source.AddFromConfig(json, processor);
        source.AddFile(defaultName, Path.Combine(folder, "chat_template.jinja"));
        string more = Path.Combine(folder, ModelFolder.TemplateFolder);
        if (Directory.Exists(more))
        {
            foreach (string path in Directory.GetFiles(more, "*.jinja"))
                source.AddFile(Path.GetFileNameWithoutExtension(path), path);
        }
        return source.OrNull();
    }

    /// <summary>The text of a template, or null.</summary>
    public string? FindText(string name = defaultName) => templates.TryGetValue(name, out (string Text, string Origin) template) ? template.Text : null;

    /// <summary>
    /// Reads the template to use: the named one, else <c>tool_use</c> if the prompt has tools and there is such a one, else
    /// <c>default</c>, else the only one there is.
    /// </summary>
    /// <param name="name">A name of <see cref="Names"/>, or null for the usual choice.</param>
    /// <param name="hasTools">True if the prompt has tools.</param>
    /// <exception cref="UsageException">There is no template of this name, or none is the usual one.</exception>
    /// <exception cref="TemplateSyntaxException">The template cannot be read.</exception>
    public ChatTemplate Load(string? name = null, bool hasTools = false)
    {
        string chosen = name
            ?? (hasTools && templates.ContainsKey(toolsName) ? toolsName
            : templates.ContainsKey(defaultName) || templates.Count > 1 ? defaultName : templates.Keys.First());
        return templates.TryGetValue(chosen, out (string Text, string Origin) template)
            ? ChatTemplate.Parse(template.Text, template.Origin)
            : throw new UsageException($"no chat template named '{chosen}': the model has {string.Join(", ", templates.Keys)}.");
    }

    private void AddFromConfig(string path, JsonObject config)
    {
        string Item(string what) => $"{configKey}{what}";
        switch (Get(path, config, configKey, Item("")))
        {
            case null:
                break;
            case JsonValue value when value.TryGetValue(out string? text):
                Add(defaultName, text, $"{path}: {configKey}");
                break;
            case JsonArray list:
                for (int i = 0; i < list.Count; i++)
                {
                    string item = Item($"[{i}]");
                    JsonObject entry = list[i] as JsonObject ?? throw BadFileException.Expected(path, item, "an object with name and template", Kind(list[i]));
                    Add(GetText(path, entry, "name", item), GetText(path, entry, "template", item), $"{path}: {item}");
                }
                break;
            case var other:
                throw BadFileException.Expected(path, Item(""), "a string or a list of {name, template}", Kind(other));
        }
    }

    private static string GetText(string path, JsonObject entry, string key, string item) =>
        Get(path, entry, key, item) is JsonValue value && value.TryGetValue(out string? text)
            ? text
            : throw BadFileException.Expected(path, $"{item}.{key}", "a string", Kind(entry[key]));

    private static JsonNode? Get(string path, JsonObject entry, string key, string item)
    {
        try
        {
            return entry[key];
        }
        catch (ArgumentException e)
        {
            // JsonObject checks its keys only when it is first asked.
            throw new BadFileException($"{path}: {item}: the same key twice.", e);
        }
    }

    private static string Kind(JsonNode? node) => node?.GetValueKind().ToString().ToLowerInvariant() ?? "nothing";

    private void AddFile(string name, string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            return;
        // UTF-8 has at most three bytes for one UTF-16 unit.
        if (file.Length > ChatTemplate.MaxLength * 3L)
            throw BadFileException.Expected(path, "chat template", $"at most {ChatTemplate.MaxLength} characters", $"{file.Length} bytes");
        try
        {
            Add(name, File.ReadAllText(path), path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{path}: the chat template cannot be read: {e.Message}", e);
        }
    }

    private void Add(string name, string text, string origin) => templates[name] = (text, origin);

    private ChatTemplateSource? OrNull() => templates.Count == 0 ? null : this;
}
