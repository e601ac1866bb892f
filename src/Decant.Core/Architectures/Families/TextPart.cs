using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// The text model inside a model that reads images too, seen as a checkpoint of its own: its config is the section <c>text_config</c>, its tensors are those of the
/// language model under the names they have without the rest.
/// </summary>
internal sealed class TextPart : IModelSource
{
    private const string SectionKey = "text_config";

    /// <summary>Model types whose text is read by a plain decoder that attends as always.</summary>
    private static readonly string[] wholeTypes = ["gemma3", "mistral3", "llava", "llava_next", "llava_onevision", "idefics3", "smolvlm"];

    /// <summary>Keys beside the section that say how images are read and joined to the text.</summary>
    private static readonly string[] imageKeys =
    [
        SectionKey, "vision_config", "boi_token_index", "eoi_token_index", "image_token_index", "image_token_id", "video_token_index", "video_token_id", "mm_tokens_per_image", "ignore_index", "image_grid_pinpoints",
        "image_seq_length", "multimodal_projector_bias", "projector_hidden_act", "vision_feature_layer", "vision_feature_select_strategy", "vision_aspect_ratio",
        "spatial_merge_size", "scale_factor", "use_image_newline_parameter", "tie_word_embeddings", "vocab_size",
    ];

    /// <summary>How checkpoints call the text model, and what stands there without the rest.</summary>
    private static readonly (string Prefix, string Replacement)[] prefixes =
        [("model.language_model.", "model."), ("model.text_model.", "model."), ("language_model.", ""), ("lm_head.", "lm_head.")];

    /// <summary>Class names and the sizes that transformers' config classes give what a section leaves out.</summary>
    private static readonly Dictionary<string, (string ClassName, (string Key, int Size)[] Defaults)> known = new(StringComparer.Ordinal)
    {
        ["gemma3_text"] = ("Gemma3ForCausalLM", Sizes(262208, 2304, 9216, 26, 8)),
        ["llama"] = ("LlamaForCausalLM", Sizes(32000, 4096, 11008, 32, 32)),
        ["mistral"] = ("MistralForCausalLM", Sizes(32000, 4096, 14336, 32, 32)),
        ["qwen2"] = ("Qwen2ForCausalLM", Sizes(151936, 4096, 22016, 32, 32)),
        ["qwen3"] = ("Qwen3ForCausalLM", Sizes(151936, 4096, 22016, 32, 32)),
    };

    private readonly IModelSource whole;
    private readonly Dictionary<string, TensorData> byName = new(StringComparer.Ordinal);

    private TextPart(IModelSource whole, HuggingFaceFiles files)
    {
        this.whole = whole;
        HuggingFace = files;
        var others = new SortedSet<string>(StringComparer.Ordinal);
        int left = 0;
        foreach (TensorData tensor in whole.Tensors)
        {
            string stored = tensor.Info.Name;
            (string prefix, string replacement) = Array.Find(prefixes, pair => stored.StartsWith(pair.Prefix, StringComparison.Ordinal));
            if (prefix is null)
            {
                left++;
                others.Add(stored.Split('.').First(part => part != "model"));
                continue;
            }
            string name = replacement + stored[prefix.Length..];
            if (!byName.TryAdd(name, Renamed(tensor, name)))
                throw new BadFileException($"{whole.Location}: {name} of the text model is stored twice; once as {stored}.");
        }
        Tensors = [.. byName.Values];
        Notice = $"only the text part of this {(string)whole.HuggingFace!.Config["model_type"]!} model is read"
            + (left == 0 ? "" : $"; left out {left} tensors of others ({string.Join(", ", others.Take(4))}{(others.Count > 4 ? ", ..." : "")})");
    }

    /// <summary>What is read and what is left out, in words.</summary>
    public string Notice { get; }

    /// <inheritdoc/>
    public string Location => whole.Location;

    /// <inheritdoc/>
    public GgufMetadata? Gguf => null;

    /// <inheritdoc/>
    public HuggingFaceFiles HuggingFace { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> Tensors { get; }

    /// <summary>The text part of a checkpoint, or null if it is no model of several parts.</summary>
    /// <exception cref="BadFileException">The section is no object or contradicts the rest.</exception>
    /// <exception cref="NotSupportedModelException">The text model, or a key beside it, is not known.</exception>
    public static TextPart? Of(IModelSource source)
    {
        if (source.HuggingFace is not { } files || files.Config["model_type"] is not JsonValue type || !type.TryGetValue(out string? name) || !wholeTypes.Contains(name))
            return null;
        return new TextPart(source, files with { Config = ReadSection(Path.Combine(files.Folder, "config.json"), files.Config) });
    }

    /// <inheritdoc/>
    public TensorData? FindTensor(string name) => byName.GetValueOrDefault(name);

    /// <summary>Closes nothing: the whole owns its files.</summary>
    public void Dispose()
    {
    }

    private static JsonObject ReadSection(string location, JsonObject config)
    {
        if (config[SectionKey] is not JsonObject section)
            throw BadFileException.Expected(location, SectionKey, "an object, the config of the text model", config[SectionKey]?.ToJsonString() ?? "no such key");
        var text = (JsonObject)section.DeepClone();
        if (text["model_type"] is not JsonValue typeValue || !typeValue.TryGetValue(out string? type) || !known.TryGetValue(type, out var form))
        {
            throw new NotSupportedModelException(
                $"{location}: {SectionKey}.model_type: {text["model_type"]?.ToJsonString() ?? "no such key"} is not supported. Supported: {string.Join(", ", known.Keys)}.");
        }
        foreach ((string key, JsonNode? value) in config)
        {
            if (key is "model_type" or "architectures" || imageKeys.Contains(key))
                continue;
            if (!HarmlessKeys.Contains(key) && key != "quantization_config" && value is not null)
                throw new NotSupportedModelException($"{location}: {key}: Decant does not know this key of a model that reads images too and will not ignore it, for it might change the results.");
            if (!text.ContainsKey(key))
                text[key] = value?.DeepClone();
        }
        // Where only the whole says whether the head is the embedding.
        if (text["tie_word_embeddings"] is null && config["tie_word_embeddings"] is { } tied)
            text["tie_word_embeddings"] = tied.DeepClone();
        text["architectures"] = new JsonArray(form.ClassName);
        foreach ((string key, int size) in form.Defaults)
        {
            if (text[key] is null)
                text[key] = size;
        }
        return text;
    }

    private static (string Key, int Size)[] Sizes(int vocabulary, int hidden, int width, int layers, int heads) =>
        [("vocab_size", vocabulary), ("hidden_size", hidden), ("intermediate_size", width), ("num_hidden_layers", layers), ("num_attention_heads", heads)];

    private static TensorData Renamed(TensorData tensor, string name) =>
        tensor.Info.Name == name ? tensor : new RowSelectionTensor(name, tensor.Info.Shape, tensor, 0);
}
