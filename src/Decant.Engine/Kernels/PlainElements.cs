using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>An element type without blocks that vectors can be loaded from.</summary>
internal unsafe interface IPlainElement
{
    /// <summary>The format, as ggml spells it.</summary>
    static abstract string Format { get; }

    /// <summary>Bytes per element.</summary>
    static abstract int ByteCount { get; }

    /// <summary>True if <see cref="LoadFinite"/> is quicker than <see cref="Load"/> and right only for finite elements.</summary>
    static virtual bool TracksSpecials => false;

    /// <summary>True if so many of a matrix's elements are of a kind that <see cref="LoadFinite"/> is slow for that another element type of the same format is quicker.</summary>
    static virtual bool IsSlowFor(byte* rows, long rowByteCount, int rowCount, int columnCount) => false;

    /// <summary>True if two vectors lie in the lanes of one, and rows are whole pairs of vectors: then <see cref="First"/> and <see cref="Second"/> are used in place of loads.</summary>
    static virtual bool IsPaired => false;

    /// <summary>The first of two vectors whose pairs begin at an address.</summary>
    static virtual TVector First<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => throw new NotSupportedException();

    /// <summary>The second of them.</summary>
    static virtual TVector Second<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => throw new NotSupportedException();

    /// <summary>A vector of elements from any address, right if all are finite.</summary>
    static abstract TVector LoadFinite<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;

    /// <summary>A vector of elements from any address.</summary>
    static abstract TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>Single precision.</summary>
internal readonly unsafe struct SingleElement : IPlainElement
{
    public static string Format => "F32";

    public static int ByteCount => 4;

    public static TVector LoadFinite<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Load((float*)source);

    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.Load((float*)source);
}

/// <summary>Half precision; denormal numbers are expected to be rare.</summary>
internal readonly unsafe struct HalfElement : IPlainElement
{
    public static string Format => "F16";

    public static int ByteCount => 2;

    public static bool TracksSpecials => true;

    /// <summary>True if more than one in two thousand elements of a sample is denormal: then <see cref="DenormalHalfElement"/> is quicker.</summary>
    public static bool IsSlowFor(byte* rows, long rowByteCount, int rowCount, int columnCount)
    {
        const int SampleRowCount = 16;
        const int SampleColumnCount = 512;
        int columns = Math.Min(columnCount, SampleColumnCount);
        int step = Math.Max(1, rowCount / SampleRowCount);
        int sample = 0, denormal = 0;
        for (int row = 0; row < rowCount; row += step)
        {
            foreach (ushort bits in new ReadOnlySpan<ushort>(rows + row * rowByteCount, columns))
                denormal += (bits & 0x7c00) == 0 && (bits & 0x3ff) != 0 ? 1 : 0;
            sample += columns;
        }
        return denormal > sample / 2000;
    }

    public static TVector LoadFinite<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadNormalHalf(source);

    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadHalf(source);
}

/// <summary>Half precision with denormal numbers at any place.</summary>
internal readonly unsafe struct DenormalHalfElement : IPlainElement
{
    public static string Format => "F16";

    public static int ByteCount => 2;

    public static bool TracksSpecials => true;

    public static TVector LoadFinite<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadFiniteHalf(source);

    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadHalf(source);
}

/// <summary>The upper half of single precision.</summary>
internal readonly unsafe struct BrainFloatElement : IPlainElement
{
    public static string Format => "BF16";

    public static int ByteCount => 2;

    public static TVector LoadFinite<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadBrainFloat(source);

    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.LoadBrainFloat(source);
}
