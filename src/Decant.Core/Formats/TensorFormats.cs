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

    /// <summary>Blocks of 32 4-bit codes with scale and minimum.</summary>
    public static TensorFormat Q4_1 { get; } = new Q4_1Format();

    /// <summary>Blocks of 32 5-bit codes with one scale.</summary>
    public static TensorFormat Q5_0 { get; } = new Q5_0Format();

    /// <summary>Blocks of 32 5-bit codes with scale and minimum.</summary>
    public static TensorFormat Q5_1 { get; } = new Q5_1Format();

    /// <summary>Activations beside Q4_1 and Q5_1.</summary>
    public static TensorFormat Q8_1 { get; } = new Q8_1Format();

    /// <summary>2-bit codes, 256 to a block.</summary>
    public static TensorFormat Q2_K { get; } = new Q2_KFormat();

    /// <summary>3-bit codes, 256 to a block.</summary>
    public static TensorFormat Q3_K { get; } = new Q3_KFormat();

    /// <summary>4-bit codes, 256 to a block.</summary>
    public static TensorFormat Q4_K { get; } = new Q4_KFormat();

    /// <summary>5-bit codes, 256 to a block.</summary>
    public static TensorFormat Q5_K { get; } = new Q5_KFormat();

    /// <summary>6-bit codes, 256 to a block.</summary>
    public static TensorFormat Q6_K { get; } = new Q6_KFormat();

    /// <summary>Activations beside the K types.</summary>
    public static TensorFormat Q8_K { get; } = new Q8_KFormat();

    /// <summary>4-bit codes on an uneven grid, blocks of 32.</summary>
    public static TensorFormat IQ4_NL { get; } = new IQ4_NLFormat();

    /// <summary>4-bit codes on an uneven grid, 256 to a block.</summary>
    public static TensorFormat IQ4_XS { get; } = new IQ4_XSFormat();

    /// <summary>Ternary, five values to a byte.</summary>
    public static TensorFormat TQ1_0 { get; } = new TQ1_0Format();

    /// <summary>Ternary, four values to a byte.</summary>
    public static TensorFormat TQ2_0 { get; } = new TQ2_0Format();

    /// <summary>4-bit floats with a shared power of two.</summary>
    public static TensorFormat MXFP4 { get; } = new MXFP4Format();

    /// <summary>4-bit floats with an 8-bit scale per 16.</summary>
    public static TensorFormat NVFP4 { get; } = new NVFP4Format();

    /// <summary>Signs, 128 to a scale.</summary>
    public static TensorFormat Q1_0 { get; } = new Q1_0Format();

    /// <summary>Ternary in 2 bits, 64 to a scale.</summary>
    public static TensorFormat Q2_0 { get; } = new Q2_0Format();

    /// <summary>The list, in the order of ggml's type numbers, then safetensors' own types.</summary>
    public static IReadOnlyList<TensorFormat> All { get; } =
    [
        F32,
        F16,
        Q4_0,
        Q4_1,
        Q5_0,
        Q5_1,
        Q8_0,
        Q8_1,
        Q2_K,
        Q3_K,
        Q4_K,
        Q5_K,
        Q6_K,
        Q8_K,
        new IQ2_XXSFormat(),
        new IQ2_XSFormat(),
        new IQ3_XXSFormat(),
        new IQ1_SFormat(),
        IQ4_NL,
        new IQ3_SFormat(),
        new IQ2_SFormat(),
        IQ4_XS,
        new I8Format(),
        new I16Format(),
        new I32Format(),
        new I64Format(),
        new F64Format(),
        new IQ1_MFormat(),
        BF16,
        TQ1_0,
        TQ2_0,
        MXFP4,
        NVFP4,
        Q1_0,
        Q2_0,
        new U8Format(),
        new BoolFormat(),
        new F8E4M3Format(),
        new F8E5M2Format(),
    ];

    /// <summary>The format of this name (any case), or null.</summary>
    public static TensorFormat? FindByName(string name) => Find(format => format.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>The format of this GGUF type number, or null.</summary>
    public static TensorFormat? FindByGgmlType(int type) => Find(format => format.GgmlType == type);

    /// <summary>The format of this safetensors dtype, or null.</summary>
    public static TensorFormat? FindBySafetensorsType(string type) => Find(format => format.SafetensorsType == type);

    // Building dictionaries of these few took longer than every search a program makes.
    private static TensorFormat? Find(Predicate<TensorFormat> isMeant)
    {
        foreach (TensorFormat format in All)
        {
            if (isMeant(format))
                return format;
        }
        return null;
    }
}
