using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Xunit;

namespace Decant.Testing;

/// <summary>
/// A fixture's checkpoint rewritten to another that computes the same logits: for what llama.cpp fixes (how many blocks, which of them do what), so that
/// everything else about a family can be compared all the same.
/// </summary>
/// <param name="source">The checkpoint.</param>
/// <param name="textLength">Tokens of each text whose logits are compared.</param>
public sealed partial class EquivalentModel(HuggingFaceModelSource source, int textLength)
{
    private List<(string Name, TensorShape Shape, float[] Values)> tensors = [.. source.Tensors.Select(t => (t.Info.Name, t.Info.Shape, Values(t)))];

    /// <summary>The config, which may be changed.</summary>
    public JsonObject Config { get; } = (JsonObject)source.HuggingFace.Config.DeepClone();

    /// <summary>Tokens of each text whose logits are compared: what scaling by length makes of them is to be the same.</summary>
    public int TextLength => textLength;

    /// <summary>The model as it is now.</summary>
    public IModelSource ToSource() => MemoryModelSource.WithConfig(Config, [.. tensors.Select(t => MemoryTensor.FromValues(t.Name, t.Shape, t.Values))]);

    /// <summary>Inserts copies of a block that add nothing to the residual stream: their branches end in zeros.</summary>
    public EquivalentModel InsertIdleBlocks(int before, int count, int like, params string[] branchEnds)
    {
        int shift = count;
        var moved = tensors.Select(t => LayerOf(t.Name) >= before ? (Renumbered(t.Name, LayerOf(t.Name) + shift), t.Shape, t.Values) : t).ToList();
        for (int i = 0; i < count; i++)
        {
            foreach ((string name, TensorShape shape, float[] values) in tensors.Where(t => LayerOf(t.Name) == like))
                moved.Add((Renumbered(name, before + i), shape, branchEnds.Any(end => name.Contains(end, StringComparison.Ordinal)) ? new float[values.Length] : values));
        }
        tensors = moved;
        Config["num_hidden_layers"] = (int)Config["num_hidden_layers"]! + count;
        return this;
    }

    /// <summary>Changes the values of the tensors whose names end so.</summary>
    public EquivalentModel Change(string nameEnd, Func<float, float> change)
    {
        Assert.Contains(tensors, t => t.Name.EndsWith(nameEnd, StringComparison.Ordinal));
        tensors = [.. tensors.Select(t => t.Name.EndsWith(nameEnd, StringComparison.Ordinal) ? (t.Name, t.Shape, t.Values.Select(change).ToArray()) : t)];
        return this;
    }

    /// <summary>Changes the config.</summary>
    public EquivalentModel Set(string key, JsonNode value)
    {
        Config[key] = value;
        return this;
    }

    private static float[] Values(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return values;
    }

    private static int LayerOf(string name) => LayerNumber().Match(name) is { Success: true } match ? int.Parse(match.Groups[1].ValueSpan, CultureInfo.InvariantCulture) : -1;

    private static string Renumbered(string name, int layer) => LayerNumber().Replace(name, string.Create(CultureInfo.InvariantCulture, $"layers.{layer}."));

    [GeneratedRegex(@"layers\.(\d+)\.")]
    private static partial Regex LayerNumber();
}
