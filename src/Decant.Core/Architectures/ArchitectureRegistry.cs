using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Families;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Architectures;

/// <summary>All families of decoders. To add one: one file, one line here.</summary>
public static class ArchitectureRegistry
{
    /// <summary>The list. Where families share a GGUF architecture, the one that claims only some of its files stands first.</summary>
    public static IReadOnlyList<Architecture> All { get; } =
    [
        new MixtralArchitecture(),
        new MistralArchitecture(),
        new LlamaArchitecture(),
        new Qwen2Architecture(),
        new Qwen2MoeArchitecture(),
        new Qwen3Architecture(),
        new Qwen3MoeArchitecture(),
        new SmolLm3Architecture(),
        new GraniteArchitecture(),
        new Olmo2Architecture(),
        new StableLmArchitecture(),
        new CohereArchitecture(),
        new GemmaArchitecture(),
        new Gemma2Architecture(),
        new Gemma3Architecture(),
        new PhiArchitecture(),
        new Phi3Architecture(),
        new Gpt1Architecture(),
        new Gpt2Architecture(),
        new GptNeoXArchitecture(),
        new OptArchitecture(),
        new BloomArchitecture(),
        new FalconArchitecture(),
        new DeepSeek3Architecture(),
        new DeepSeek2Architecture(),
        new BitNetArchitecture(),
    ];

    /// <summary>The family of this name, or null.</summary>
    public static Architecture? FindByName(string name) => All.FirstOrDefault(architecture => architecture.Name == name);

    /// <summary>
    /// Understands a checkpoint: reads its config or metadata, and finds every tensor the decoder needs. Weights are not read, save two
    /// cases: rotary divisors of GGUF files, and a head that is stored although it is tied.
    /// </summary>
    /// <exception cref="BadFileException">A key or tensor is missing, of the wrong type, or contradicts others.</exception>
    /// <exception cref="NotSupportedModelException">The family, a key or a value is not implemented.</exception>
    public static DecoderModel Bind(IModelSource source) => source.Gguf is { } metadata ? BindGguf(source, metadata) : BindHuggingFace(source);

    private static DecoderModel BindHuggingFace(IModelSource source)
    {
        HuggingFaceFiles files = source.HuggingFace
            ?? throw new NotSupportedModelException($"{source.Location}: the model has neither a config.json nor GGUF metadata.");
        string location = Path.Combine(files.Folder, "config.json");
        (Architecture architecture, DecoderSpec spec) = ReadConfig(location, files.Config);
        var binder = new TensorBinder(source, spec, architecture.HuggingFaceLayoutOf(spec), architecture.Keys.Of, architecture.Keys.Layers);
        return Bind(source, architecture, spec, binder);
    }

    /// <summary>Reads a config.json.</summary>
    internal static (Architecture Architecture, DecoderSpec Spec) ReadConfig(string location, JsonObject content)
    {
        var config = new ConfigReader(location, content);
        string type = config.FindText("model_type")
            ?? throw BadFileException.Expected(location, "model_type", "the name of a family", "no such key");
        Architecture architecture = All.FirstOrDefault(a => a.ModelTypes.Contains(type)) ?? throw Unknown(location, "model_type", type, All.SelectMany(a => a.ModelTypes));
        config.RequireOff("is_encoder_decoder");
        config.RequireOff("add_cross_attention");
        config.RequireOff("tie_encoder_decoder");
        DecoderSpec spec = architecture.ReadConfig(config);
        config.Finish();
        return (architecture, spec);
    }

    private static DecoderModel BindGguf(IModelSource source, GgufMetadata metadata)
    {
        (Architecture architecture, DecoderSpec spec) = ReadGguf(metadata, source.FindTensor);
        string prefix = architecture.GgufName + ".";
        var binder = new TensorBinder(source, spec, architecture.GgufLayoutOf(spec), axis => KeyOf(prefix, axis), prefix + "block_count");
        return Bind(source, architecture, spec, binder);
    }

    /// <summary>Reads GGUF metadata.</summary>
    internal static (Architecture Architecture, DecoderSpec Spec) ReadGguf(GgufMetadata metadata, Func<string, Tensors.TensorData?> findTensor)
    {
        var file = new GgufSpecReader(metadata, findTensor);
        Architecture[] candidates = [.. All.Where(a => a.GgufName == file.Architecture)];
        if (candidates.Length == 0)
            throw Unknown(metadata.Location, "metadata key general.architecture", file.Architecture, All.Select(a => a.GgufName).OfType<string>());
        string? written = file.WrittenFamily;
        Architecture architecture = candidates.FirstOrDefault(a => a.Name == written)
            ?? candidates.FirstOrDefault(a => a.ClaimsGguf(file))
            ?? throw new NotSupportedModelException($"{metadata.Location}: no family reads this kind of {file.Architecture} file.");
        DecoderSpec spec = architecture.ReadGguf(file);
        file.Finish();
        return (architecture, spec);
    }

    private static DecoderModel Bind(IModelSource source, Architecture architecture, DecoderSpec spec, TensorBinder binder)
    {
        binder.Bind();
        return new DecoderModel(source, architecture.Name, spec, binder.Tensors, binder.Notices, binder.Unknown);
    }

    private static string KeyOf(string prefix, ModelAxis axis) => prefix + axis switch
    {
        ModelAxis.Vocabulary => "vocab_size",
        ModelAxis.Hidden => "embedding_length",
        ModelAxis.Positions => "context_length",
        ModelAxis.Queries => "attention.head_count × key_length",
        ModelAxis.AttentionOutputs => "attention.head_count × value_length",
        ModelAxis.Keys => "attention.head_count_kv × key_length",
        ModelAxis.Values => "attention.head_count_kv × value_length",
        ModelAxis.QueryHeads => "attention.head_count",
        ModelAxis.KeyValueHeads => "attention.head_count_kv",
        ModelAxis.HeadSize => "attention.key_length",
        ModelAxis.Width => "feed_forward_length",
        ModelAxis.Experts => "expert_count",
        ModelAxis.QueryRank => "attention.q_lora_rank",
        ModelAxis.KeyValueRank => "attention.kv_lora_rank",
        ModelAxis.KeyValueDown => "attention.kv_lora_rank + rope.dimension_count",
        ModelAxis.KeyValueUp => "attention.head_count × (key_length − rope.dimension_count + value_length)",
        ModelAxis.SharedWidth => "expert_shared_feed_forward_length",
        _ => "rope.dimension_count / 2",
    };

    private static NotSupportedModelException Unknown(string location, string key, string got, IEnumerable<string> known) =>
        new($"{location}: {key}: \"{(got.Length <= 60 ? got : got[..57] + "...")}\" is not supported. Supported: {string.Join(", ", known.Distinct().Order(StringComparer.Ordinal))}.");
}
