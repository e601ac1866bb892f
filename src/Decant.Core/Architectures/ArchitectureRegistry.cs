using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Families;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Architectures;

/// <summary>All families. To add one: one file, one line here.</summary>
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
        new RobertaArchitecture(),
        new XlmRobertaArchitecture(),
        new DistilBertArchitecture(),
        new BertArchitecture(),
        new AlbertArchitecture(),
        new ModernBertArchitecture(),
        new T5Architecture(),
        new Umt5Architecture(),
        new T5EncoderArchitecture(),
        new RwkvArchitecture(),
        new MambaArchitecture(),
        new Mamba2Architecture(),
        new ReformerArchitecture(),
    ];

    /// <summary>The family of this name, or null.</summary>
    public static Architecture? FindByName(string name) => All.FirstOrDefault(architecture => architecture.Name == name);

    /// <summary>
    /// Understands a checkpoint: reads its config or metadata, and finds every tensor the model needs. Weights are not read, save two
    /// cases: rotary divisors of GGUF files, and a head that is stored although it is tied.
    /// </summary>
    /// <exception cref="BadFileException">A key or tensor is missing, of the wrong type, or contradicts others.</exception>
    /// <exception cref="NotSupportedModelException">The family, a key or a value is not implemented.</exception>
    public static Model Bind(IModelSource source) => source.Gguf is { } metadata ? BindGguf(source, metadata) : BindHuggingFace(source);

    /// <summary>Understands the checkpoint of a decoder.</summary>
    /// <exception cref="BadFileException">A key or tensor is missing, of the wrong type, or contradicts others.</exception>
    /// <exception cref="NotSupportedModelException">The family, a key or a value is not implemented, or the model is no decoder.</exception>
    public static DecoderModel BindDecoder(IModelSource source) => RequireDecoder(Bind(source));

    /// <summary>The model as a decoder.</summary>
    /// <exception cref="NotSupportedModelException">It is none; the message says what it is, and what can be done with it.</exception>
    public static DecoderModel RequireDecoder(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        return model as DecoderModel ?? throw IsNoDecoder(model);
    }

    /// <summary>The error where only a decoder will do: says what the model is, and what can be done with it.</summary>
    public static NotSupportedModelException IsNoDecoder(Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        string what = $"{model.Source.Location}: the model is no decoder but {KindOf(model)} ({model.ArchitectureName})";
        if (model is Model<RecurrentSpec> or Model<ReformerSpec>)
            return new($"{what}, and this is for decoders only. The model can be run, evaluated, inspected, converted and compressed.");
        string use = model is EncoderModel or EncoderDecoderModel ? "; 'decant logits' shows what it computes" : "";
        return new($"{what}, which continues no text. It can be inspected, converted and compressed{use}.");
    }

    /// <summary>What a model is, with its article.</summary>
    internal static string KindOf(Model model)
    {
        string kind = FindByName(model.ArchitectureName)!.Kind;
        return ("aeiou".Contains(kind[0], StringComparison.Ordinal) ? "an " : "a ") + kind;
    }

    private static Model BindHuggingFace(IModelSource source)
    {
        TextPart? text = TextPart.Of(source);
        source = text ?? source;
        HuggingFaceFiles files = source.HuggingFace
            ?? throw new NotSupportedModelException($"{source.Location}: the model has neither a config.json nor GGUF metadata.");
        string location = Path.Combine(files.Folder, text is null ? "config.json" : "config.json (text_config)");
        (Architecture architecture, ModelSpec spec) = ReadConfig(location, files.Config);
        spec = architecture.Complete(spec, source);
        var binder = new TensorBinder(source, spec, architecture.HuggingFaceLayoutOf(spec), architecture.Keys.Of, architecture.LayersKeyOf);
        if (text is not null)
            binder.Notices.Add(text.Notice);
        return Bind(source, architecture, spec, binder);
    }

    /// <summary>Reads a config.json.</summary>
    internal static (Architecture Architecture, ModelSpec Spec) ReadConfig(string location, JsonObject content)
    {
        var config = new ConfigReader(location, content);
        string type = config.FindText("model_type")
            ?? throw BadFileException.Expected(location, "model_type", "the name of a family", "no such key");
        Architecture architecture = All.FirstOrDefault(a => a.ModelTypes.Contains(type) && a.ClaimsConfig(config)) ?? throw Unknown(location, "model_type", type, All.SelectMany(a => a.ModelTypes));
        architecture.RequireForm(config);
        // Older configs have it, empty.
        if (config.FindSection("pruned_heads")?.Keys.Any() == true)
            throw config.NotSupported("pruned_heads", "{}: blocks that all have the same heads");
        ModelSpec spec = architecture.ReadConfig(config);
        config.Finish();
        return (architecture, spec);
    }

    private static Model BindGguf(IModelSource source, GgufMetadata metadata)
    {
        (Architecture architecture, ModelSpec spec) = ReadGguf(metadata, source.FindTensor);
        string prefix = architecture.GgufName + ".";
        var binder = new TensorBinder(
            source, spec, architecture.GgufLayoutOf(spec), axis => prefix + architecture.GgufKeyOf(axis), stack => prefix + architecture.GgufLayersKeyOf(stack));
        return Bind(source, architecture, spec, binder);
    }

    /// <summary>Reads GGUF metadata.</summary>
    internal static (Architecture Architecture, ModelSpec Spec) ReadGguf(GgufMetadata metadata, Func<string, Tensors.TensorData?> findTensor)
    {
        var file = new GgufSpecReader(metadata, findTensor);
        Architecture[] candidates = [.. All.Where(a => a.GgufName == file.Architecture)];
        if (candidates.Length == 0)
            throw Unknown(metadata.Location, "metadata key general.architecture", file.Architecture, All.Select(a => a.GgufName).OfType<string>());
        string? written = file.WrittenFamily;
        Architecture architecture = candidates.FirstOrDefault(a => a.Name == written)
            ?? candidates.FirstOrDefault(a => a.ClaimsGguf(file))
            ?? throw new NotSupportedModelException($"{metadata.Location}: no family reads this kind of {file.Architecture} file.");
        ModelSpec spec = architecture.ReadGguf(file);
        file.Finish();
        return (architecture, spec);
    }

    private static Model Bind(IModelSource source, Architecture architecture, ModelSpec spec, TensorBinder binder)
    {
        binder.Bind();
        return architecture.CreateModel(source, spec, binder.Tensors, binder.Notices, binder.Unknown);
    }

    private static NotSupportedModelException Unknown(string location, string key, string got, IEnumerable<string> known) =>
        new($"{location}: {key}: \"{(got.Length <= 60 ? got : got[..57] + "...")}\" is not supported. Supported: {string.Join(", ", known.Distinct().Order(StringComparer.Ordinal))}.");
}
