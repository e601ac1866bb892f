using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Arithmetic;

// Softmax of tiles, for attention.
internal sealed unsafe partial class VectorArithmetic<TVector, TOps>
{
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
}
