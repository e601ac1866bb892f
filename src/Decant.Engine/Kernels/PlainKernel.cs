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

/// <summary>Formats of single elements.</summary>
/// <param name="instructions">What the processor must have.</param>
/// <param name="whenSlow">The kernel for matrices that <see cref="IPlainElement.IsSlowFor"/> is true of.</param>
internal sealed unsafe class PlainKernel<TVector, TOps, TElement>(InstructionSet instructions, ProductKernel? whenSlow = null)
    : VectorKernel(TElement.Format, instructions, 1, TElement.ByteCount)
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TElement : struct, IPlainElement
{
    /// <inheritdoc/>
    public override void Decode(byte* source, float* destination, int count)
    {
        int i = 0;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TOps.Store(destination + i, TElement.Load<TVector, TOps>(source + (long)i * TElement.ByteCount));
        for (; i < count; i++)
            destination[i] = TElement.Load<float, ScalarOps>(source + (long)i * TElement.ByteCount);
    }

    /// <inheritdoc/>
    public override ProductKernel ForRows(byte* rows, long rowByteCount, int rowCount, int columnCount) =>
        whenSlow != null && TElement.IsSlowFor(rows, rowByteCount, rowCount, columnCount) ? whenSlow : this;

    /// <inheritdoc/>
    protected override void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        for (int row = 0; row < rowCount; row++)
        {
            for (int token = 0; token < input.TokenCount; token++)
                y[(long)token * yStride + row] = Dot(rows + row * rowByteCount, input.Rows + (long)token * input.ColumnCount, input.ColumnCount);
        }
    }

    private static float Dot(byte* row, float* x, int count)
    {
        TVector sum0 = TOps.Create(0);
        TVector sum1 = TOps.Create(0);
        TVector sum2 = TOps.Create(0);
        TVector sum3 = TOps.Create(0);
        TVector largest = TOps.Create(0);
        int step = TOps.Lanes * TElement.ByteCount;
        byte* source = row;
        int i = 0;
        for (; i <= count - 4 * TOps.Lanes; i += 4 * TOps.Lanes)
        {
            Prefetching.Request(source + Prefetching.StreamDistance, 4 * step);
            sum0 = TOps.MultiplyAdd(TElement.LoadFinite<TVector, TOps>(source), TOps.Load(x + i), sum0);
            sum1 = TOps.MultiplyAdd(TElement.LoadFinite<TVector, TOps>(source + step), TOps.Load(x + i + TOps.Lanes), sum1);
            sum2 = TOps.MultiplyAdd(TElement.LoadFinite<TVector, TOps>(source + 2 * step), TOps.Load(x + i + 2 * TOps.Lanes), sum2);
            sum3 = TOps.MultiplyAdd(TElement.LoadFinite<TVector, TOps>(source + 3 * step), TOps.Load(x + i + 3 * TOps.Lanes), sum3);
            if (TElement.TracksSpecials)
            {
                largest = TOps.TrackHalves(source, largest);
                largest = TOps.TrackHalves(source + 2 * step, largest);
            }
            source += 4 * step;
        }
        if (TElement.TracksSpecials && TOps.HasSpecialHalf(largest))
            return DotSpecial(row, x, count);
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
        {
            sum0 = TOps.MultiplyAdd(TElement.Load<TVector, TOps>(source), TOps.Load(x + i), sum0);
            source += step;
        }
        float sum = TOps.Sum(TOps.Add(TOps.Add(sum0, sum1), TOps.Add(sum2, sum3)));
        for (; i < count; i++)
        {
            sum = MathF.FusedMultiplyAdd(TElement.Load<float, ScalarOps>(source), x[i], sum);
            source += TElement.ByteCount;
        }
        return sum;
    }

    /// <summary>A row with infinite elements or NaN.</summary>
    private static float DotSpecial(byte* row, float* x, int count)
    {
        float sum = 0;
        for (int i = 0; i < count; i++)
            sum = MathF.FusedMultiplyAdd(TElement.Load<float, ScalarOps>(row + (long)i * TElement.ByteCount), x[i], sum);
        return sum;
    }
}
