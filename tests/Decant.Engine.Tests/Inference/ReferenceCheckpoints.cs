using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>A reference checkpoint of any kind of model, with what transformers computed for it.</summary>
/// <typeparam name="TModel">The kind.</typeparam>
internal abstract class ReferenceModel<TModel> : IDisposable
    where TModel : Model
{
    private readonly HuggingFaceModelSource source;

    protected ReferenceModel(string folder, string configName)
    {
        string path = SharedFiles.Require("fixtures", "architectures", folder);
        Expected = new SafetensorsFixture(Path.Combine(path, "expected.safetensors"));
        Index = Indices()![folder]!;
        source = HuggingFaceModelSource.OpenFolder(path, configName);
        Model = (TModel)ArchitectureRegistry.Bind(source);
        Rows = (int)Expected.Shape("input_ids")[0];
        Length = (int)Expected.Shape("input_ids")[1];
        Ids = [.. Expected.Integers("input_ids").Select(id => (int)id)];
        Vocabulary = Model.Spec.VocabularySize;
    }

    public SafetensorsFixture Expected { get; }

    public JsonNode Index { get; }

    public TModel Model { get; }

    /// <summary>Sequences.</summary>
    public int Rows { get; }

    /// <summary>Tokens of a sequence.</summary>
    public int Length { get; }

    public int Vocabulary { get; }

    public int[] Ids { get; }

    public double Tolerance => (double)Index["tolerance"]!;

    public ReadOnlySpan<float> Logits(int row, int position) =>
        Expected.Singles("logits").Slice((row * Length + position) * Vocabulary, Vocabulary);

    /// <summary>Every folder of a kind that a registered family of some kind reads.</summary>
    public static IEnumerable<string> FoldersOf<TArchitecture>(string kind) => Indices() is not { } indices ? [] : SharedFiles.Folders("fixtures", "architectures")
        .Where(folder => indices[folder] is { } entry && (string)entry["kind"]! == kind
            && ArchitectureRegistry.All.Any(architecture => architecture is TArchitecture && architecture.ModelTypes.Contains((string)entry["model_type"]!)));

    /// <summary>What index.json says of a folder.</summary>
    public static JsonNode IndexOf(string folder) => Indices()![folder]!;

    /// <summary>The config files a folder has.</summary>
    public static IEnumerable<string> Configs(string folder) => new[] { "config.json", "config.legacy.json" }
        .Where(name => SharedFiles.Find("fixtures", "architectures", folder, name) is not null);

    public void Dispose() => source.Dispose();

    private static JsonObject? Indices()
    {
        string? path = SharedFiles.Find("fixtures", "architectures", "index.json");
        return path is null ? null : JsonNode.Parse(File.ReadAllText(path))!.AsObject();
    }
}

/// <summary>A reference checkpoint of a decoder.</summary>
internal sealed class ReferenceCheckpoint(string folder, string configName = "config.json") : ReferenceModel<DecoderModel>(folder, configName)
{
    /// <summary>True where the rotation depends on the length of the text: a cache with older keys then gives other logits, which is tested apart.</summary>
    public bool DependsOnLength => Model.Spec.Layers.Any(layer => layer.Attention.Rope?.Scaling switch
    {
        RopeScaling.DynamicNtk dynamic => Length > dynamic.OriginalContext,
        RopeScaling.LongRope lists => Length > lists.OriginalContext,
        _ => false,
    });

    /// <summary>Every folder of a decoder that the registry knows.</summary>
    public static IEnumerable<string> Folders() => FoldersOf<DecoderArchitecture>("decoder");

    /// <summary>Those whose checkpoint is of a kind.</summary>
    public static IEnumerable<string> Folders(Func<ReferenceCheckpoint, bool> isOfKind) => Folders().Where(folder =>
    {
        using var checkpoint = new ReferenceCheckpoint(folder);
        return isOfKind(checkpoint);
    });

    /// <summary>Folders, each with every instruction set of this processor.</summary>
    public static TheoryData<string, string> WithKernels(IEnumerable<string> folders) =>
        [.. folders.SelectMany(folder => InstructionSet.All.Where(set => set.IsSupported).Select(set => (folder, set.Name)))];
}

/// <summary>A reference checkpoint of a recurrent model.</summary>
internal sealed class RecurrentCheckpoint(string folder, string configName = "config.json") : ReferenceModel<Model<RecurrentSpec>>(folder, configName)
{
    /// <summary>Every folder of a recurrent model that the registry knows.</summary>
    public static IEnumerable<string> Folders() => FoldersOf<RecurrentArchitecture>("decoder");
}

/// <summary>A reference checkpoint of a reversible transformer.</summary>
internal sealed class ReversibleCheckpoint(string folder, string configName = "config.json") : ReferenceModel<Model<ReformerSpec>>(folder, configName)
{
    /// <summary>Every folder of a reversible transformer that the registry knows.</summary>
    public static IEnumerable<string> Folders() => FoldersOf<Architecture<ReformerSpec>>("decoder");
}
