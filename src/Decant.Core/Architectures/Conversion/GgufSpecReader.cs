using System.Collections.Immutable;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// Reads the hyperparameters of a GGUF file: keys under the architecture's name, with llama.cpp's defaults. Like the config reader it
/// remembers what was read, so that <see cref="Finish"/> can refuse a key that might change the results.
/// </summary>
internal sealed class GgufSpecReader
{
    /// <summary>Keys, after the architecture's name, that change no logits.</summary>
    private static readonly string[] harmless = ["rope.scaling.finetuned", "tensor_data_layout", "pooling_type", "vocab_size"];

    private readonly GgufMetadata metadata;
    private readonly Func<string, TensorData?> findTensor;
    private readonly string prefix;
    private readonly HashSet<string> read = new(StringComparer.Ordinal);

    /// <summary>Reads a file's metadata.</summary>
    /// <param name="metadata">The metadata.</param>
    /// <param name="findTensor">Finds stored tensors: which biases exist, and rotary divisors, stand in tensors.</param>
    public GgufSpecReader(GgufMetadata metadata, Func<string, TensorData?> findTensor)
    {
        this.metadata = metadata;
        this.findTensor = findTensor;
        Architecture = metadata.GetString("general.architecture");
        prefix = Architecture + ".";
    }

    /// <summary>The file, for messages.</summary>
    public string Location => metadata.Location;

    /// <summary>general.architecture.</summary>
    public string Architecture { get; }

    /// <summary>True if Decant wrote the rotary scaling beside the usual keys.</summary>
    public bool HasDecantRope => FindDecantText(DecantKeys.RopeScaling) is not null;

    /// <summary>The family that Decant wrote the file from, if it did.</summary>
    public string? WrittenFamily => metadata.FindString(DecantKeys.Family);

    /// <summary>True if there is such a tensor.</summary>
    public bool HasTensor(string name) => findTensor(name) is not null;

    /// <summary>The full name of a key.</summary>
    public string KeyOf(string key) => prefix + key;

    /// <summary>A whole number from 1 on that must be there.</summary>
    public int GetCount(string key, int maximum = ConfigReader.MaximumCount) =>
        FindCount(key, maximum) ?? throw BadFileException.Expected(Location, $"metadata key {prefix}{key}", "a whole number", "no such key");

    /// <summary>A whole number from 1 on, or null if the key is absent.</summary>
    public int? FindCount(string key, int maximum = ConfigReader.MaximumCount) => FindWhole(key, 1, maximum);

    /// <summary>A whole number from 0 on, or null if the key is absent. Zero often stands for "none".</summary>
    public int? FindCountOrZero(string key, int maximum = ConfigReader.MaximumCount) => FindWhole(key, 0, maximum);

    /// <summary>A number above 0, or null if the key is absent.</summary>
    public float? FindPositive(string key)
    {
        if (metadata.FindNumber(Take(key)) is not { } value)
            return null;
        return float.IsFinite((float)value) && (float)value > 0
            ? (float)value
            : throw BadFileException.Expected(Location, $"metadata key {prefix}{key}", "a number above 0", $"{value}");
    }

    /// <summary>A number, or null if the key is absent.</summary>
    public double? FindNumber(string key)
    {
        if (metadata.FindNumber(Take(key)) is not { } value)
            return null;
        return double.IsFinite(value) ? value : throw BadFileException.Expected(Location, $"metadata key {prefix}{key}", "a number", $"{value}");
    }

    /// <summary>A number from 0 on, in the shortest decimal that single precision means, or null if the key is absent.</summary>
    public double? FindPositiveOrZero(string key) => metadata.FindNumber(prefix + key) == 0
        ? metadata.FindNumber(Take(key))
        : FindPositive(key) is { } value ? RopeConfig.Shortest(value) : null;

    /// <summary>A number above 0 that must be there.</summary>
    public float GetPositive(string key) =>
        FindPositive(key) ?? throw BadFileException.Expected(Location, $"metadata key {prefix}{key}", "a number above 0", "no such key");

    /// <summary>A switch; <paramref name="absent"/> if the key is absent.</summary>
    public bool GetFlag(string key, bool absent) => metadata.FindBool(Take(key)) ?? absent;

    /// <summary>A count per layer, stored as one number for all or an array.</summary>
    public int[] GetPerLayer(string key, int layers, int maximum, int[]? absent = null)
    {
        string name = Take(key);
        if (metadata.Find(name) is not { } value)
            return absent ?? throw BadFileException.Expected(Location, $"metadata key {name}", "a whole number", "no such key");
        if (value.ElementType is null)
        {
            int[] same = new int[layers];
            Array.Fill(same, GetCount(key, maximum));
            return same;
        }
        long[] counts = metadata.FindIntegers(name)!;
        if (counts.Length != layers || counts.Any(count => count < 1 || count > maximum))
            throw BadFileException.Expected(Location, $"metadata key {name}", $"{layers} whole numbers from 1 to {maximum}", $"{counts.Length} numbers");
        return [.. counts.Select(count => (int)count)];
    }

    /// <summary>Which layers have the sliding window: an array of switches, one in <c>n</c> layers without, or null if the key is absent.</summary>
    public bool[]? FindWindowPattern(int layers)
    {
        string name = Take("attention.sliding_window_pattern");
        switch (metadata.Find(name))
        {
            case null:
                return null;
            case { Value: bool[] flags } when flags.Length == layers:
                return flags;
            case { ElementType: null }:
                int period = FindCountOrZero("attention.sliding_window_pattern")!.Value;
                return [.. Enumerable.Range(0, layers).Select(layer => period == 0 || layer % period < period - 1)];
            default:
                throw BadFileException.Expected(Location, $"metadata key {name}", $"a number or {layers} switches", "an array of another kind");
        }
    }

    /// <summary>Rows of a stored matrix, or null if there is no such tensor.</summary>
    public int? RowCountOf(string name)
    {
        if (findTensor(name) is not { } tensor)
            return null;
        TensorShape shape = tensor.Info.Shape;
        return shape.Rank == 2 && shape[0] is > 0 and <= ConfigReader.MaximumCount
            ? (int)shape[0]
            : throw BadFileException.Expected(Location, $"tensor {name}", "a matrix", $"{shape}");
    }

    /// <summary>Passes over keys that change nothing in this family.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
            Take(key);
    }

    /// <summary>Token ids: <c>vocab_size</c>, or the rows of the embedding where files leave the key out.</summary>
    public int Vocabulary()
    {
        if (FindCount("vocab_size") is { } stated)
            return stated;
        TensorShape? shape = findTensor("token_embd.weight")?.Info.Shape;
        return shape is { Rank: 2 } && shape.Value[0] is > 0 and <= ConfigReader.MaximumCount
            ? (int)shape.Value[0]
            : throw BadFileException.Expected(Location, "tensor token_embd.weight", "a matrix [vocabulary, hidden]", shape?.ToString() ?? "no such tensor");
    }

    /// <summary>The values of a small F32 vector, or null if there is no such tensor.</summary>
    public ImmutableArray<float>? FindVector(string name, int length)
    {
        if (findTensor(name) is not { } tensor)
            return null;
        if (tensor.Info.Shape.Rank != 1 || tensor.Info.Shape[0] != length || tensor.Info.Format.IsBlockFormat)
            throw BadFileException.Expected(Location, $"tensor {name}", $"{length} plain numbers", tensor.Info.ToString());
        float[] values = new float[length];
        tensor.ReadRows(0, 1, values);
        return values.All(value => float.IsFinite(value) && value > 0)
            ? [.. values]
            : throw BadFileException.Expected(Location, $"tensor {name}", "numbers above 0", "others");
    }

    /// <summary>A value under <c>decant.</c>, for what GGUF has no key for.</summary>
    public double? FindDecantNumber(string key) => metadata.FindNumber(key) is { } value
        ? double.IsFinite(value) && value > 0 ? value : throw BadFileException.Expected(Location, $"metadata key {key}", "a number above 0", $"{value}")
        : null;

    /// <summary>A whole number from 0 on under any key, or null.</summary>
    public int? FindOtherCount(string key) => metadata.FindInteger(key) is { } value
        ? value is >= 0 and <= ConfigReader.MaximumCount ? (int)value : throw BadFileException.Expected(Location, $"metadata key {key}", $"a whole number from 0 to {ConfigReader.MaximumCount}", $"{value}")
        : null;

    /// <summary>A switch under <c>decant.</c>.</summary>
    public bool FindDecantFlag(string key, bool absent) => metadata.FindBool(key) ?? absent;

    /// <summary>A switch per layer under <c>decant.</c>, or null.</summary>
    public bool[]? FindDecantFlags(string key, int layers) => metadata.Find(key) switch
    {
        null => null,
        { Value: bool[] flags } when flags.Length == layers => flags,
        _ => throw BadFileException.Expected(Location, $"metadata key {key}", $"{layers} switches", "something else"),
    };

    /// <summary>A whole number from 1 to a bound per layer under <c>decant.</c>, or null.</summary>
    public int[]? FindDecantCounts(string key, int layers, int maximum)
    {
        if (metadata.FindIntegers(key) is not { } counts)
            return null;
        return counts.Length == layers && counts.All(count => count >= 1 && count <= maximum)
            ? [.. counts.Select(count => (int)count)]
            : throw BadFileException.Expected(Location, $"metadata key {key}", $"{layers} whole numbers from 1 to {maximum}", $"{counts.Length} numbers");
    }

    /// <summary>A text under <c>decant.</c>.</summary>
    public string? FindDecantText(string key) => metadata.FindString(key);

    /// <summary>The activation: the family's, the one that its own key names if it has such a key, or the one that Decant wrote beside it.</summary>
    public Activation Activation(Activation usual, string? key = null) => key is not null && FindText(key) is { } stated
        ? Activations.Find(stated) ?? throw NotSupported(key, stated, "relu, relu2, silu, gelu")
        : ActivationAt(DecantKeys.Activation) ?? usual;

    /// <summary>The activation that a key of Decant's own names, or null.</summary>
    public Activation? ActivationAt(string key) =>
        FindDecantText(key) is { } name ? Activations.Find(name) ?? throw NotSupportedDecantKey(key, name) : null;

    /// <summary>The error of a key of Decant's own with a value that this version does not know.</summary>
    public NotSupportedModelException NotSupportedDecantKey(string key, string value) => new($"{Location}: metadata key {key}: {value} is not supported.");

    /// <summary>Refuses the first unread key of the architecture.</summary>
    public void Finish()
    {
        foreach ((string key, GgufValue value) in metadata.Entries)
        {
            if (!key.StartsWith(prefix, StringComparison.Ordinal) || read.Contains(key) || harmless.Contains(key[prefix.Length..]))
                continue;
            string shown = value.ElementType is null ? value.Value.ToString() ?? "" : "an array";
            throw new NotSupportedModelException(
                $"{Location}: metadata key {key}: {(shown.Length <= 60 ? shown : shown[..57] + "...")} is not supported. Decant does not know this key for this kind of model and will not ignore it, for it might change the results.");
        }
    }

    /// <summary>The error for a value without an implementation.</summary>
    public NotSupportedModelException NotSupported(string key, string got, string supported) =>
        new($"{Location}: metadata key {prefix}{key}: {got} is not supported. Supported: {supported}.");

    /// <summary>A string, or null if the key is absent.</summary>
    public string? FindText(string key) => metadata.FindString(Take(key));

    private int? FindWhole(string key, int minimum, int maximum)
    {
        if (metadata.FindInteger(Take(key)) is not { } value)
            return null;
        return value >= minimum && value <= maximum
            ? (int)value
            : throw BadFileException.Expected(Location, $"metadata key {prefix}{key}", $"a whole number from {minimum} to {maximum}", $"{value}");
    }

    private string Take(string key)
    {
        string name = prefix + key;
        read.Add(name);
        return name;
    }
}
