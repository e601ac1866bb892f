using System.Numerics;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.LinearAlgebra;

/// <summary><see cref="MatrixArithmetic{T}"/> written once for every width and both precisions.</summary>
internal sealed unsafe class VectorMatrixArithmetic<TElement, TVector, TOps> : MatrixArithmetic<TElement>
    where TElement : unmanaged, IBinaryFloatingPointIeee754<TElement>
    where TVector : struct
    where TOps : struct, IRealOps<TVector, TElement>
{
    /// <inheritdoc/>
    public override int Lanes => TOps.Lanes;

    /// <inheritdoc/>
    public override int PanelWidth => RegisterTile<TElement, TVector, TOps>.PanelWidth;

    /// <inheritdoc/>
    public override void MultiplyTile(
        TElement* a, long rowStride, long step, TElement* b, int width, int depth, TElement* addend, long addendStride, TElement* c, long resultStride) =>
        RegisterTile<TElement, TVector, TOps>.Multiply(a, rowStride, step, b, width, depth, addend, addendStride, c, resultStride);

    /// <inheritdoc/>
    public override void Transpose(TElement* source, long sourceStride, int rowCount, int columnCount, TElement* target, long targetStride)
    {
        if (typeof(TElement) == typeof(float))
            Transposition.Singles(TOps.Lanes, (float*)source, sourceStride, rowCount, columnCount, (float*)target, targetStride);
        else
            DoubleTransposition.Doubles(TOps.Lanes, (double*)source, sourceStride, rowCount, columnCount, (double*)target, targetStride);
    }

    /// <inheritdoc/>
    public override void CopyScaled(TElement* source, TElement factor, TElement* target, int count)
    {
        int i = 0;
        TVector factors = TOps.Create(factor);
        for (; i <= count - 2 * TOps.Lanes; i += 2 * TOps.Lanes)
        {
            TVector second = TOps.Multiply(TOps.Load(source + i + TOps.Lanes), factors);
            TOps.Store(target + i, TOps.Multiply(TOps.Load(source + i), factors));
            TOps.Store(target + i + TOps.Lanes, second);
        }
        for (; i < count; i++)
            target[i] = source[i] * factor;
    }

    /// <inheritdoc/>
    public override void Widen(ushort* source, TElement* target, int count)
    {
        int i = 0;
        if (typeof(TElement) == typeof(float))
        {
            // BF16 is the upper half of single precision: eight at a time is as fast as memory gives them.
            for (; i <= count - 8; i += 8)
            {
                Vector128<ushort> bits = Vector128.Load(source + i);
                (Vector128<uint> low, Vector128<uint> high) = Vector128.Widen(bits);
                Vector128.Store(low << 16, (uint*)target + i);
                Vector128.Store(high << 16, (uint*)target + i + 4);
            }
        }
        for (; i < count; i++)
            target[i] = TElement.CreateTruncating(BitConverter.UInt32BitsToSingle((uint)source[i] << 16));
    }

    /// <inheritdoc/>
    public override TElement Dot(TElement* x, TElement* y, int count)
    {
        int i = 0;
        TVector sum0 = TOps.Create(default), sum1 = sum0, sum2 = sum0, sum3 = sum0;
        for (; i <= count - 4 * TOps.Lanes; i += 4 * TOps.Lanes)
        {
            sum0 = TOps.MultiplyAdd(TOps.Load(x + i), TOps.Load(y + i), sum0);
            sum1 = TOps.MultiplyAdd(TOps.Load(x + i + TOps.Lanes), TOps.Load(y + i + TOps.Lanes), sum1);
            sum2 = TOps.MultiplyAdd(TOps.Load(x + i + 2 * TOps.Lanes), TOps.Load(y + i + 2 * TOps.Lanes), sum2);
            sum3 = TOps.MultiplyAdd(TOps.Load(x + i + 3 * TOps.Lanes), TOps.Load(y + i + 3 * TOps.Lanes), sum3);
        }
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
            sum0 = TOps.MultiplyAdd(TOps.Load(x + i), TOps.Load(y + i), sum0);
        TElement sum = TOps.Sum(TOps.Add(TOps.Add(sum0, sum1), TOps.Add(sum2, sum3)));
        for (; i < count; i++)
            sum = TElement.FusedMultiplyAdd(x[i], y[i], sum);
        return sum;
    }

    /// <inheritdoc/>
    public override void AddScaled(TElement* target, TElement* addend, TElement factor, int count)
    {
        int i = 0;
        TVector factors = TOps.Create(factor);
        for (; i <= count - 2 * TOps.Lanes; i += 2 * TOps.Lanes)
        {
            TVector second = TOps.MultiplyAdd(TOps.Load(addend + i + TOps.Lanes), factors, TOps.Load(target + i + TOps.Lanes));
            TOps.Store(target + i, TOps.MultiplyAdd(TOps.Load(addend + i), factors, TOps.Load(target + i)));
            TOps.Store(target + i + TOps.Lanes, second);
        }
        for (; i < count; i++)
            target[i] = TElement.FusedMultiplyAdd(addend[i], factor, target[i]);
    }

    /// <inheritdoc/>
    public override TElement LargestMagnitude(TElement* x, int count)
    {
        int i = 0;
        TVector maxima = TOps.Create(default);
        // 0 · x is 0 for finite x and NaN for the rest; the sum remembers it.
        TVector remainders = maxima;
        for (; i <= count - TOps.Lanes; i += TOps.Lanes)
        {
            TVector value = TOps.Load(x + i);
            maxima = TOps.Max(maxima, TOps.Abs(value));
            remainders = TOps.MultiplyAdd(value, TOps.Create(default), remainders);
        }
        TElement* lanes = stackalloc TElement[16];
        TOps.Store(lanes, maxima);
        TElement largest = default;
        for (int lane = 0; lane < TOps.Lanes; lane++)
            largest = TElement.Max(largest, lanes[lane]);
        TElement remainder = TOps.Sum(remainders);
        for (; i < count; i++)
        {
            largest = TElement.Max(largest, TElement.Abs(x[i]));
            remainder += x[i] * TElement.Zero;
        }
        return largest + remainder;
    }

    /// <inheritdoc/>
    public override void RotateRows(TElement* rows, long stride, int count, TElement* cosines, TElement* sines, int rotationCount)
    {
        int column = 0;
        // Four vectors of each row at once; what a rotation makes of its second row stays in registers for the next.
        for (; column <= count - 4 * TOps.Lanes; column += 4 * TOps.Lanes)
        {
            TElement* row = rows + column;
            TVector x0 = TOps.Load(row), x1 = TOps.Load(row + TOps.Lanes), x2 = TOps.Load(row + 2 * TOps.Lanes), x3 = TOps.Load(row + 3 * TOps.Lanes);
            for (int i = 0; i < rotationCount; i++)
            {
                TElement* next = row + stride;
                TVector c = TOps.Create(cosines[i]), s = TOps.Create(sines[i]), minus = TOps.Create(-sines[i]);
                TVector y0 = TOps.Load(next), y1 = TOps.Load(next + TOps.Lanes), y2 = TOps.Load(next + 2 * TOps.Lanes), y3 = TOps.Load(next + 3 * TOps.Lanes);
                TOps.Store(row, TOps.MultiplyAdd(c, x0, TOps.Multiply(s, y0)));
                TOps.Store(row + TOps.Lanes, TOps.MultiplyAdd(c, x1, TOps.Multiply(s, y1)));
                TOps.Store(row + 2 * TOps.Lanes, TOps.MultiplyAdd(c, x2, TOps.Multiply(s, y2)));
                TOps.Store(row + 3 * TOps.Lanes, TOps.MultiplyAdd(c, x3, TOps.Multiply(s, y3)));
                x0 = TOps.MultiplyAdd(c, y0, TOps.Multiply(minus, x0));
                x1 = TOps.MultiplyAdd(c, y1, TOps.Multiply(minus, x1));
                x2 = TOps.MultiplyAdd(c, y2, TOps.Multiply(minus, x2));
                x3 = TOps.MultiplyAdd(c, y3, TOps.Multiply(minus, x3));
                row = next;
            }
            TOps.Store(row, x0);
            TOps.Store(row + TOps.Lanes, x1);
            TOps.Store(row + 2 * TOps.Lanes, x2);
            TOps.Store(row + 3 * TOps.Lanes, x3);
        }
        for (; column < count; column++)
        {
            TElement* row = rows + column;
            TElement x = *row;
            for (int i = 0; i < rotationCount; i++)
            {
                TElement y = row[stride];
                *row = TElement.FusedMultiplyAdd(cosines[i], x, sines[i] * y);
                x = TElement.FusedMultiplyAdd(cosines[i], y, -sines[i] * x);
                row += stride;
            }
            *row = x;
        }
    }
}
