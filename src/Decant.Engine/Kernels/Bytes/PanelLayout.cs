namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// What the packed form of a block consists of. Formats that differ only in how their bits are stored share a layout, and with it the product's code.
/// <para>
/// Packed weights, per block, R rows side by side (32-bit words; one vector lane a row):
/// <code>
/// codes          [block / 4][R]   four codes of consecutive columns of one row
/// scale words    [groups][R]      with whole-number scales
/// minima         [groups / 2][R]  with whole-number minima: those of two groups, 16 bits each
/// row scales     [R]              single precision
/// second scales  [R]              single precision: factors of minima (negative), or offsets
/// </code>
/// Packed activations, per block, T tokens side by side:
/// <code>
/// codes          [block / 4][T]   four activations of consecutive columns
/// start words    [groups][T]      what sums start from, where codes are unsigned with a zero
/// group sums     [groups / 2][T]  with whole-number minima: sums of the activations of two groups, 16 bits each
/// scales         [T]              single precision
/// sums           [T]              single precision, with offsets: sum of the activations
/// </code>
/// </para>
/// </summary>
internal interface IPanelLayout
{
    /// <summary>Columns that share one floating-point scale: 32 or 256.</summary>
    static abstract int BlockLength { get; }

    /// <summary>Columns whose products are summed before a scale is applied.</summary>
    static abstract int GroupLength { get; }

    /// <summary>True if groups have whole-number scales.</summary>
    static virtual bool HasGroupScales => false;

    /// <summary>True if groups have whole-number minima; they come with whole-number scales.</summary>
    static virtual bool HasMinima => false;

    /// <summary>True if a block has a floating-point offset.</summary>
    static virtual bool HasOffsets => false;

    /// <summary>True if stored codes have a zero other than 0.</summary>
    static virtual bool HasZero => false;
}

/// <summary>Blocks of 32 with a scale: Q4_0, Q5_0, Q8_0, IQ4_NL, MXFP4.</summary>
internal readonly struct ShortPanel : IPanelLayout
{
    public static int BlockLength => 32;

    public static int GroupLength => 32;

    public static bool HasZero => true;
}

/// <summary>Blocks of 32 with scale and offset: Q4_1, Q5_1.</summary>
internal readonly struct ShortOffsetPanel : IPanelLayout
{
    public static int BlockLength => 32;

    public static int GroupLength => 32;

    public static bool HasOffsets => true;

    public static bool HasZero => true;
}

/// <summary>Blocks of 256 with scales for 16: Q3_K, Q6_K.</summary>
internal readonly struct Groups16Panel : IPanelLayout
{
    public static int BlockLength => 256;

    public static int GroupLength => 16;

    public static bool HasGroupScales => true;

    public static bool HasZero => true;
}

/// <summary>Blocks of 256 with scales and minima for 16: Q2_K; and Q5_K, whose codes would overflow 16-bit sums over 32.</summary>
internal readonly struct Groups16MinimaPanel : IPanelLayout
{
    public static int BlockLength => 256;

    public static int GroupLength => 16;

    public static bool HasGroupScales => true;

    public static bool HasMinima => true;
}

/// <summary>Blocks of 256 with scales for 32: IQ4_XS.</summary>
internal readonly struct Groups32Panel : IPanelLayout
{
    public static int BlockLength => 256;

    public static int GroupLength => 32;

    public static bool HasGroupScales => true;

    public static bool HasZero => true;
}

/// <summary>Blocks of 256 with scales and minima for 32: Q4_K.</summary>
internal readonly struct Groups32MinimaPanel : IPanelLayout
{
    public static int BlockLength => 256;

    public static int GroupLength => 32;

    public static bool HasGroupScales => true;

    public static bool HasMinima => true;
}

/// <summary>Blocks of 256 with one scale: TQ1_0, TQ2_0.</summary>
internal readonly struct LongPanel : IPanelLayout
{
    public static int BlockLength => 256;

    public static int GroupLength => 256;

    public static bool HasZero => true;
}
