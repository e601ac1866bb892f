using System.Runtime.CompilerServices;
using Decant.Engine.Inference;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>Formats of single elements.</summary>
/// <param name="instructions">What the processor must have.</param>
/// <param name="whenSlow">The kernel for matrices that <see cref="IPlainElement.IsSlowFor"/> is true of.</param>
/// <param name="pairs">The kernel that reads the format's private copies, if they have a form of their own (<see cref="PairedHalves"/>).</param>
/// <param name="mostFewTokens">More tokens than this are multiplied by panels.</param>
internal sealed unsafe class PlainKernel<TVector, TOps, TElement>(
    InstructionSet instructions, ProductKernel? whenSlow = null, ProductKernel? pairs = null, int mostFewTokens = ProductInput.SmallestTileTokenCount - 1)
    : VectorKernel(TElement.Format, instructions, 1, TElement.ByteCount), IInterleavedKernel
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TElement : struct, IPlainElement
{
    // Up to here rows are quicker than panels. But sums of the two differ, and texts that are evaluated, some of them short, should not depend on company:
    // in single precision the line stays where that of all other formats is.
    private const int MostFewTokensOfFast = 16;

    private readonly Lazy<ProductKernel> whenFast = new(() => new PlainKernel<TVector, TOps, TElement>(
        instructions, whenSlow, pairs?.ForArithmetic(DecoderArithmetic.Fast), MostFewTokensOfFast));

    private static int StepLength => 4 * TOps.Lanes;

    /// <inheritdoc/>
    public string CopyForm => "paired columns";

    /// <inheritdoc/>
    public int GroupRowCount => pairs is null ? 0 : 1;

    /// <inheritdoc/>
    public override int MostFewTokens => mostFewTokens;

    /// <inheritdoc/>
    public override ProductKernel ForArithmetic(DecoderArithmetic arithmetic) =>
        arithmetic == DecoderArithmetic.Fast && mostFewTokens < MostFewTokensOfFast ? whenFast.Value : this;

    /// <inheritdoc/>
    public override void Prepare(ProductInput input)
    {
        // Few tokens are read as they are.
        if (input.TokenCount > MostFewTokens)
            base.Prepare(input);
    }

    /// <inheritdoc/>
    public override void Decode(byte* source, float* destination, int count)
    {
        int i = 0;
        for (; TElement.IsPaired && i < count; i += 2 * TOps.Lanes)
        {
            TOps.Store(destination + i, TElement.First<TVector, TOps>(source + (long)i * TElement.ByteCount));
            TOps.Store(destination + i + TOps.Lanes, TElement.Second<TVector, TOps>(source + (long)i * TElement.ByteCount));
        }
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            TOps.Store(destination + i, TElement.Load<TVector, TOps>(source + (long)i * TElement.ByteCount));
        for (; i < count; i++)
            destination[i] = TElement.Load<float, ScalarOps>(source + (long)i * TElement.ByteCount);
    }

    /// <inheritdoc/>
    public override ProductKernel ForRows(byte* rows, long rowByteCount, int rowCount, int columnCount) =>
        whenSlow != null && TElement.IsSlowFor(rows, rowByteCount, rowCount, columnCount) ? whenSlow : this;

    /// <inheritdoc/>
    public bool ReplacesForMany(ProductKernel many) => many == this;

    /// <inheritdoc/>
    public bool TryInterleave(byte* rows, long rowByteCount, int rowCount, byte* groups) =>
        PairedHalves.TryStore((ushort*)rows, rowByteCount / sizeof(ushort) * rowCount, rowByteCount / sizeof(ushort), TOps.Lanes, (uint*)groups);

    /// <inheritdoc/>
    public void PrepareInterleaved(ProductInput input) => pairs!.Prepare(input);

    /// <inheritdoc/>
    public int ActivationBits(int tokenCount) => 32;

    /// <inheritdoc/>
    public int InterleavedRowUnit(int tokenCount) => pairs!.RowUnit(tokenCount);

    /// <inheritdoc/>
    public void MultiplyInterleaved(byte* groups, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch) =>
        pairs!.Multiply(groups, rowByteCount, rowCount, input, y, yStride, scratch);

    /// <inheritdoc/>
    protected override void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        int columnCount = input.ColumnCount;
        float* totals = stackalloc float[4 * TOps.Lanes];
        for (int row = 0; row < rowCount; row++)
        {
            byte* own = rows + row * rowByteCount;
            int token = 0;
            for (; TOps.HasManyRegisters && token <= input.TokenCount - 4; token += 4)
                Dot<FourTokens>(own, input.Rows + (long)token * columnCount, columnCount, totals, y + (long)token * yStride + row, yStride);
            for (; token <= input.TokenCount - 2; token += 2)
                Dot<TwoTokens>(own, input.Rows + (long)token * columnCount, columnCount, totals, y + (long)token * yStride + row, yStride);
            for (; token < input.TokenCount; token++)
                Dot<OneToken>(own, input.Rows + (long)token * columnCount, columnCount, totals, y + (long)token * yStride + row, yStride);
        }
    }

    // One row with up to four tokens.
    private static void Dot<TTokens>(byte* row, float* x, int count, float* totals, float* y, int yStride)
        where TTokens : struct, ITokenCount
    {
        bool special = AddSteps<TTokens>(row, x, count, totals);
        for (int token = 0; token < TTokens.Count; token++)
        {
            float* own = x + (long)token * count;
            y[(long)token * yStride] = special ? DotSpecial(row, own, count) : Finish(row, own, count, TOps.Load(totals + token * TOps.Lanes));
        }
    }

    /// <summary>
    /// The products of a row's whole steps of four vectors with up to four tokens, for which elements are converted once: a vector of sums a token. A token's
    /// sums are taken in the same order in any company. No call follows the loop: sums that live across one would lie in memory within the loop too.
    /// </summary>
    /// <returns>True if an element is infinite or NaN.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool AddSteps<TTokens>(byte* row, float* x, int count, float* totals)
        where TTokens : struct, ITokenCount
    {
        TVector a0 = TOps.Create(0), a1 = a0, a2 = a0, a3 = a0;
        TVector b0 = a0, b1 = a0, b2 = a0, b3 = a0;
        TVector c0 = a0, c1 = a0, c2 = a0, c3 = a0;
        TVector d0 = a0, d1 = a0, d2 = a0, d3 = a0;
        TVector largest = a0;
        float* xb = x + count, xc = xb + count, xd = xc + count;
        int step = TOps.Lanes * TElement.ByteCount;
        for (int steps = count / StepLength; steps > 0; steps--)
        {
            Prefetching.Request(row + Prefetching.StreamDistance, 4 * step);
            AddPair<TTokens>(row, x, xb, xc, xd, 0, ref a0, ref b0, ref c0, ref d0, ref a1, ref b1, ref c1, ref d1);
            AddPair<TTokens>(row + 2 * step, x, xb, xc, xd, 2 * TOps.Lanes, ref a2, ref b2, ref c2, ref d2, ref a3, ref b3, ref c3, ref d3);
            if (TElement.TracksSpecials)
            {
                largest = TOps.TrackHalves(row, largest);
                largest = TOps.TrackHalves(row + 2 * step, largest);
            }
            row += 4 * step;
            x += 4 * TOps.Lanes;
            xb += 4 * TOps.Lanes;
            xc += 4 * TOps.Lanes;
            xd += 4 * TOps.Lanes;
        }
        TOps.Store(totals, TOps.Add(TOps.Add(a0, a1), TOps.Add(a2, a3)));
        if (TTokens.Count > 1)
            TOps.Store(totals + TOps.Lanes, TOps.Add(TOps.Add(b0, b1), TOps.Add(b2, b3)));
        if (TTokens.Count > 2)
        {
            TOps.Store(totals + 2 * TOps.Lanes, TOps.Add(TOps.Add(c0, c1), TOps.Add(c2, c3)));
            TOps.Store(totals + 3 * TOps.Lanes, TOps.Add(TOps.Add(d0, d1), TOps.Add(d2, d3)));
        }
        return TElement.TracksSpecials && TOps.HasSpecialHalf(largest);
    }

    // Two vectors of a row, at columns i and i + Lanes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddPair<TTokens>(
        byte* source, float* xa, float* xb, float* xc, float* xd, int i,
        ref TVector a0, ref TVector b0, ref TVector c0, ref TVector d0, ref TVector a1, ref TVector b1, ref TVector c1, ref TVector d1)
        where TTokens : struct, ITokenCount
    {
        TVector elements = TElement.IsPaired ? TElement.First<TVector, TOps>(source) : TElement.LoadFinite<TVector, TOps>(source);
        AddStep<TTokens>(elements, xa, xb, xc, xd, i, ref a0, ref b0, ref c0, ref d0);
        elements = TElement.IsPaired ? TElement.Second<TVector, TOps>(source) : TElement.LoadFinite<TVector, TOps>(source + TOps.Lanes * TElement.ByteCount);
        AddStep<TTokens>(elements, xa, xb, xc, xd, i + TOps.Lanes, ref a1, ref b1, ref c1, ref d1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddStep<TTokens>(
        TVector elements, float* xa, float* xb, float* xc, float* xd, int i, ref TVector a, ref TVector b, ref TVector c, ref TVector d)
        where TTokens : struct, ITokenCount
    {
        a = TOps.MultiplyAdd(elements, TOps.Load(xa + i), a);
        if (TTokens.Count > 1)
            b = TOps.MultiplyAdd(elements, TOps.Load(xb + i), b);
        if (TTokens.Count > 2)
        {
            c = TOps.MultiplyAdd(elements, TOps.Load(xc + i), c);
            d = TOps.MultiplyAdd(elements, TOps.Load(xd + i), d);
        }
    }

    // The columns behind the last whole step, and the sum across lanes.
    private static float Finish(byte* row, float* x, int count, TVector total)
    {
        int i = count / StepLength * StepLength;
        if (TElement.IsPaired && i < count)
        {
            // What is left of whole pairs of vectors, less than two of them.
            total = TOps.MultiplyAdd(TElement.First<TVector, TOps>(row + (long)i * TElement.ByteCount), TOps.Load(x + i), total);
            total = TOps.MultiplyAdd(TElement.Second<TVector, TOps>(row + (long)i * TElement.ByteCount), TOps.Load(x + i + TOps.Lanes), total);
            i += 2 * TOps.Lanes;
        }
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            total = TOps.MultiplyAdd(TElement.Load<TVector, TOps>(row + (long)i * TElement.ByteCount), TOps.Load(x + i), total);
        float sum = TOps.Sum(total);
        for (; i < count; i++)
            sum = MathF.FusedMultiplyAdd(TElement.Load<float, ScalarOps>(row + (long)i * TElement.ByteCount), x[i], sum);
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
