using System.Collections.Frozen;

namespace Decant.Core.Formats;

/// <summary>Every format Decant knows. A new format is one file and one line in <see cref="All"/>.</summary>
public static class TensorFormats
{
    /// <summary>Plain 32-bit floats; the type everything is computed in.</summary>
    public static TensorFormat F32 { get; } = new F32Format();

    /// <summary>The list, in the order of ggml's type numbers, then safetensors' own types.</summary>
    public static IReadOnlyList<TensorFormat> All { get; } =
    [
        F32,
    ];

    private static readonly FrozenDictionary<string, TensorFormat> byName = All.ToFrozenDictionary(f => f.Name, StringComparer.OrdinalIgnoreCase);
    private static readonly FrozenDictionary<int, TensorFormat> byGgmlType = All.Where(f => f.GgmlType is not null).ToFrozenDictionary(f => f.GgmlType!.Value);
    private static readonly FrozenDictionary<string, TensorFormat> bySafetensorsType =
        All.Where(f => f.SafetensorsType is not null).ToFrozenDictionary(f => f.SafetensorsType!, StringComparer.Ordinal);

    /// <summary>The format of this name (any case), or null.</summary>
    public static TensorFormat? FindByName(string name) => byName.GetValueOrDefault(name);

    /// <summary>The format of this GGUF type number, or null.</summary>
    public static TensorFormat? FindByGgmlType(int type) => byGgmlType.GetValueOrDefault(type);

    /// <summary>The format of this safetensors dtype, or null.</summary>
    public static TensorFormat? FindBySafetensorsType(string type) => bySafetensorsType.GetValueOrDefault(type);
}
