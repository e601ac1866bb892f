using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Engine.Tests.Supported;

/// <summary>docs/supported.md: what is measured for every family.</summary>
internal static class SupportedTable
{
    private static readonly string[] kinds = ["decoder", "encoder", "seq2seq"];

    /// <summary>The folders of the fixtures that are no vision models, in the order of families.</summary>
    public static IReadOnlyList<string> Folders() =>
        [.. SharedFiles.Folders("fixtures", "architectures").Where(folder => kinds.Contains((string)Index(folder)["kind"]!)).OrderBy(folder => OrderOf(folder)).ThenBy(folder => folder, StringComparer.Ordinal)];

    /// <summary>The row of a folder.</summary>
    public static string Row(string folder)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder));
        Model model = ArchitectureRegistry.Bind(source);
        JsonNode index = Index(folder);
        double error = ReferenceError.Of(folder, model), tolerance = (double)index["tolerance"]!;
        Assert.InRange(error, 0, tolerance);
        string? gguf = ArchitectureRegistry.FindByName(model.ArchitectureName)!.GgufName;
        return $"| {model.ArchitectureName} | {folder} | {Number(error)} | {Number((double)index["noise_floor"]!)} | {Number(tolerance)} | {(gguf is null ? "none" : $"`{gguf}`")} | {Peer(folder, gguf, model)} | {RoundTrip(source, model)} |";
    }

    /// <summary>The whole document.</summary>
    public static string Document(IEnumerable<string> rows)
    {
        var text = new StringBuilder(File.ReadAllText(Path.Combine(SharedFiles.RepositoryRoot, "tests", "Decant.Engine.Tests", "Supported", "supported.head.md")));
        text.Append("| family | checkpoint | largest error of a logit | noise floor | tolerance | GGUF | llama.cpp's logits from the converted file | Hugging Face folder, through GGUF and back |\n");
        text.Append("|---|---|---:|---:|---:|---|---|---|\n");
        foreach (string row in rows)
            text.Append(row).Append('\n');
        return text.ToString();
    }

    private static string Peer(string folder, string? gguf, Model model)
    {
        if (gguf is null)
            return "not compared: no GGUF is written of it";
        if (PeerCase.All.FirstOrDefault(peer => peer.Folder == folder) is not { } peer)
            return model is DecoderModel or Model<RecurrentSpec> ? throw new InvalidOperationException($"{folder} is not compared.") : "not compared: it gives no logits of these models";
        if (peer.Positions is { } positions)
        {
            string all = $"{Number(peer.Difference(equivalent: false, positions: null))} in all: {peer.Ignored}";
            if (positions == 0)
                return all;
            return $"{Number(Checked(peer, peer.Difference(equivalent: false, positions)))} in the first {positions} positions, {all}";
        }
        if (peer.Equivalent is null)
            return Number(Checked(peer, peer.Difference(equivalent: false, positions: null)));
        string same = $"{Number(Checked(peer, peer.Difference(equivalent: true, positions: null)))} from an equivalent model";
        string own;
        try
        {
            own = Number(peer.Difference(equivalent: false, positions: null));
        }
        catch (NotSupportedModelException)
        {
            own = "refused";
        }
        catch (Exception error) when (error is Xunit.Sdk.IAssertionException)
        {
            own = "not loaded by llama.cpp";
        }
        return $"{same}; as it is {own}: {peer.Ignored}";
    }

    private static double Checked(PeerCase peer, double difference)
    {
        Assert.InRange(difference, 0, peer.Tolerance);
        return difference;
    }

    private static string RoundTrip(HuggingFaceModelSource source, Model model)
    {
        GgufDescription description;
        try
        {
            description = GgufExport.Describe(model);
        }
        catch (NotSupportedModelException)
        {
            HuggingFaceDescription again = HuggingFaceExport.Describe(model);
            return $"folder written again: {Compare(source, again)}";
        }
        HuggingFaceDescription back = HuggingFaceExport.Describe(ArchitectureRegistry.Bind(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors)));
        return model.Spec is DecoderSpec { Layers: [{ Projections: ProjectionKind.Ternary }, ..] }
            ? $"{Compare(source, back, isTernary: true)}, projections as they are rounded: GGUF has no others"
            : Compare(source, back);
    }

    private static string Compare(HuggingFaceModelSource source, HuggingFaceDescription back, bool isTernary = false)
    {
        string config = AreEqual(source.HuggingFace.Config, back.Config) ? "" : "config differs, ";
        Dictionary<string, TensorData> stored = source.Tensors.ToDictionary(tensor => Modern(tensor.Info.Name), StringComparer.Ordinal);
        double worst = 0;
        foreach (TensorData tensor in back.Tensors)
        {
            string name = tensor.Info.Name;
            if ((stored.GetValueOrDefault(name) ?? stored.GetValueOrDefault(name["transformer.".Length..])) is not { } original)
                return $"{config}{name} is new";
            stored.Remove(Modern(original.Info.Name));
            bool isRounded = isTernary && name.EndsWith("_proj.weight", StringComparison.Ordinal);
            float[] first = Values(isRounded ? new TernaryTensor(original) : original), second = Values(isRounded ? new TernaryTensor(tensor) : tensor);
            worst = Math.Max(worst, Closeness.LargestDifference(first, second));
        }
        string tensors = worst == 0 ? "equal" : $"equal to {Number(worst)}";
        string[] left = [.. stored.Keys.Where(name => !IsLeftover(name))];
        return config + tensors + (left.Length == 0 ? "" : $", without {left.Length} tensors ({string.Join(", ", left.Select(Head).Distinct().Order(StringComparer.Ordinal))})");
    }

    // Norms of BERT's first checkpoints.
    private static string Modern(string name) => name.Replace("LayerNorm.gamma", "LayerNorm.weight", StringComparison.Ordinal).Replace("LayerNorm.beta", "LayerNorm.bias", StringComparison.Ordinal);

    private static string Head(string name) => string.Join('.', name.Split('.').TakeWhile(part => part is not ("weight" or "bias")));

    private static bool IsLeftover(string name) =>
        name.EndsWith("inv_freq", StringComparison.Ordinal) || name.EndsWith("position_ids", StringComparison.Ordinal) || name.EndsWith(".attn.bias", StringComparison.Ordinal)
        || name.EndsWith("masked_bias", StringComparison.Ordinal) || name == "lm_head.weight";

    private static float[] Values(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return values;
    }

    private static bool AreEqual(JsonNode? first, JsonNode? second) => (first, second) switch
    {
        (null, null) => true,
        (JsonObject a, JsonObject b) => a.Count == b.Count && a.All(pair => b.ContainsKey(pair.Key) && AreEqual(pair.Value, b[pair.Key])),
        (JsonArray a, JsonArray b) => a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second)),
        (JsonValue a, JsonValue b) when a.GetValueKind() == JsonValueKind.Number && b.GetValueKind() == JsonValueKind.Number =>
            double.Parse(a.ToJsonString(), CultureInfo.InvariantCulture) == double.Parse(b.ToJsonString(), CultureInfo.InvariantCulture),
        _ => JsonNode.DeepEquals(first, second),
    };

    private static JsonNode Index(string folder) => ReferenceCheckpointIndex()[folder]!;

    private static JsonObject ReferenceCheckpointIndex() =>
        JsonNode.Parse(File.ReadAllText(SharedFiles.Require("fixtures", "architectures", "index.json")))!.AsObject();

    private static int OrderOf(string folder)
    {
        string type = (string)Index(folder)["model_type"]!;
        for (int i = 0; i < ArchitectureRegistry.All.Count; i++)
        {
            if (ArchitectureRegistry.All[i].ModelTypes.Contains(type))
                return i;
        }
        return int.MaxValue;
    }

    private static string Number(double value) => value.ToString(value < 0.1 ? "0.0e-00" : "0.0", CultureInfo.InvariantCulture);
}
