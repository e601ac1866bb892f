using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Arithmetic;

// The parts of attention: scores and weighted sums of rows for one query, softmax of tiles for many.
internal sealed unsafe partial class VectorArithmetic<TVector, TOps>
{
    public override void DotRows(float* query, float* rows, long stride, int rowCount, int length, float scale, float* scores)
    {
        int row = 0;
        for (; row <= rowCount - 4; row += 4)
        {
            float* r0 = rows + row * stride, r1 = r0 + stride, r2 = r1 + stride, r3 = r2 + stride;
            TVector s0 = TOps.Create(0), s1 = TOps.Create(0), s2 = TOps.Create(0), s3 = TOps.Create(0);
            int i = 0;
            for (; i <= length - TOps.Lanes; i += TOps.Lanes)
            {
                TVector x = TOps.Load(query + i);
                s0 = TOps.MultiplyAdd(x, TOps.Load(r0 + i), s0);
                s1 = TOps.MultiplyAdd(x, TOps.Load(r1 + i), s1);
                s2 = TOps.MultiplyAdd(x, TOps.Load(r2 + i), s2);
                s3 = TOps.MultiplyAdd(x, TOps.Load(r3 + i), s3);
            }
            float t0 = TOps.Sum(s0), t1 = TOps.Sum(s1), t2 = TOps.Sum(s2), t3 = TOps.Sum(s3);
            for (; i < length; i++)
            {
                t0 = MathF.FusedMultiplyAdd(query[i], r0[i], t0);
                t1 = MathF.FusedMultiplyAdd(query[i], r1[i], t1);
                t2 = MathF.FusedMultiplyAdd(query[i], r2[i], t2);
                t3 = MathF.FusedMultiplyAdd(query[i], r3[i], t3);
            }
            scores[row] = t0 * scale;
            scores[row + 1] = t1 * scale;
            scores[row + 2] = t2 * scale;
            scores[row + 3] = t3 * scale;
        }
        for (; row < rowCount; row++)
            scores[row] = DotRow(query, rows + row * stride, length) * scale;
    }

    public override void AddWeightedRows(float* rows, long stride, int rowCount, int length, float* weights, float* target)
    {
        int column = 0;
        for (; column <= length - 4 * TOps.Lanes; column += 4 * TOps.Lanes)
        {
            float* to = target + column;
            TVector s0 = TOps.Load(to), s1 = TOps.Load(to + TOps.Lanes), s2 = TOps.Load(to + 2 * TOps.Lanes), s3 = TOps.Load(to + 3 * TOps.Lanes);
            float* from = rows + column;
            for (int row = 0; row < rowCount; row++, from += stride)
            {
                TVector weight = TOps.Create(weights[row]);
                s0 = TOps.MultiplyAdd(weight, TOps.Load(from), s0);
                s1 = TOps.MultiplyAdd(weight, TOps.Load(from + TOps.Lanes), s1);
                s2 = TOps.MultiplyAdd(weight, TOps.Load(from + 2 * TOps.Lanes), s2);
                s3 = TOps.MultiplyAdd(weight, TOps.Load(from + 3 * TOps.Lanes), s3);
            }
            TOps.Store(to, s0);
            TOps.Store(to + TOps.Lanes, s1);
            TOps.Store(to + 2 * TOps.Lanes, s2);
            TOps.Store(to + 3 * TOps.Lanes, s3);
        }
        for (; column <= length - TOps.Lanes; column += TOps.Lanes)
        {
            TVector sum = TOps.Load(target + column);
            float* from = rows + column;
            for (int row = 0; row < rowCount; row++, from += stride)
                sum = TOps.MultiplyAdd(TOps.Create(weights[row]), TOps.Load(from), sum);
            TOps.Store(target + column, sum);
        }
        for (; column < length; column++)
        {
            float sum = target[column];
            for (int row = 0; row < rowCount; row++)
                sum = MathF.FusedMultiplyAdd(weights[row], rows[row * stride + column], sum);
            target[column] = sum;
        }
    }

    public override void SoftmaxStep(float* scores, int rowCount, int width, float* maxima, float* sums, float* factors)
    {
        for (int column = 0; column < width; column += TOps.Lanes)
        {
            float* first = scores + column;
            TVector earlier = TOps.Load(maxima + column);
            TVector maximum = earlier;
            for (int row = 0; row < rowCount; row++)
                maximum = TOps.Max(TOps.Load(first + (long)row * width), maximum);
            TVector sum = TOps.Create(0);
            for (int row = 0; row < rowCount; row++)
            {
                float* place = first + (long)row * width;
                TVector value = VectorMath<TVector, TOps>.Exp(TOps.Subtract(TOps.Load(place), maximum));
                sum = TOps.Add(sum, value);
                TOps.Store(place, value);
            }
            TVector factor = VectorMath<TVector, TOps>.Exp(TOps.Subtract(earlier, maximum));
            TOps.Store(maxima + column, maximum);
            TOps.Store(factors + column, factor);
            TOps.Store(sums + column, TOps.MultiplyAdd(TOps.Load(sums + column), factor, sum));
        }
    }

    public override void ScaleColumns(float* rows, int rowCount, int width, float* factors)
    {
        for (int row = 0; row < rowCount; row++, rows += width)
        {
            for (int column = 0; column < width; column += TOps.Lanes)
                TOps.Store(rows + column, TOps.Multiply(TOps.Load(rows + column), TOps.Load(factors + column)));
        }
    }

    public override void Invert(float* factors, int count)
    {
        for (int i = 0; i < count; i++)
            factors[i] = 1 / factors[i];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float DotRow(float* x, float* y, int length)
    {
        TVector sums = TOps.Create(0);
        int i = 0;
        for (; i <= length - TOps.Lanes; i += TOps.Lanes)
            sums = TOps.MultiplyAdd(TOps.Load(x + i), TOps.Load(y + i), sums);
        float sum = TOps.Sum(sums);
        for (; i < length; i++)
            sum = MathF.FusedMultiplyAdd(x[i], y[i], sum);
        return sum;
    }
}
