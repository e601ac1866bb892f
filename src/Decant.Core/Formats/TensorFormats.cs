using System.Collections.Frozen;

namespace Decant.Core.Formats;

/// <summary>Every format Decant knows. A new format is one file and one line in <see cref="All"/>.</summary>
public static class TensorFormats
{
    /// <summary>Plain 32-bit floats; the type everything is computed in.</summary>
    public static TensorFormat F32 { get; } = new F32Format();

    /// <summary>IEEE half precision.</summary>
    public static TensorFormat F16 { get; } = new F16Format();

    /// <summary>The upper half of single precision.</summary>
    public static TensorFormat BF16 { get; } = new BF16Format();

    /// <summary>Blocks of 32 4-bit codes with one scale.</summary>
    public static TensorFormat Q4_0 { get; } = new Q4_0Format();

    /// <summary>Blocks of 32 8-bit codes with one scale.</summary>
    public static TensorFormat Q8_0 { get; } = new Q8_0Format();

    /// <summary>The list, in the order of ggml's type numbers, then safetensors' own types.</summary>
    public static IReadOnlyList<TensorFormat> All { get; } =
    [
        F32,
        F16,
        Q4_0,
        Q8_0,
        new I8Format(),
        new I16Format(),
        new I32Format(),
        new I64Format(),
        new F64Format(),
        BF16,
        new U8Format(),
        new BoolFormat(),
        new F8E4M3Format(),
        new F8E5M2Format(),
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
