using Decant.Core.Architectures;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Tests.Kernels;

/// <summary>The functions of a decoder at every width and at lengths around it, against double precision.</summary>
public unsafe class FloatArithmeticTests
{
    private static readonly int[] lengths = [1, 3, 4, 7, 8, 12, 15, 16, 17, 31, 33, 48, 64, 100, 255];

    public static TheoryData<string> Widths() => [.. InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name)];

    private static FloatArithmetic Of(string width) => InstructionSet.Find(width).Arithmetic;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Norms_are_those_of_their_formulas(string width)
    {
        foreach (int n in lengths)
        {
            float[] x = Normal(n, n), w = Normal(n, n + 1), b = Normal(n, n + 2);
            double meanSquare = x.Sum(v => (double)v * v) / n, mean = x.Average(v => (double)v);
            double variance = x.Sum(v => (v - mean) * (v - mean)) / n;
            float[] rms = Run(x, (source, target) => { fixed (float* pw = w) Of(width).RootMeanSquareNorm(source, pw, 1e-3f, target, n); });
            AssertClose([.. x.Select((v, i) => v / Math.Sqrt(meanSquare + 1e-3) * w[i])], rms, FloatArithmetic.NormError);
            float[] layer = Run(x, (source, target) => { fixed (float* pw = w, pb = b) Of(width).LayerNorm(source, pw, pb, 1e-3f, target, n); });
            AssertClose([.. x.Select((v, i) => (v - mean) / Math.Sqrt(variance + 1e-3) * w[i] + b[i])], layer, 2 * FloatArithmetic.NormError);
            float[] plain = Run(x, (source, target) => { fixed (float* pw = w) Of(width).LayerNorm(source, pw, null, 1e-3f, target, n); });
            AssertClose([.. x.Select((v, i) => (v - mean) / Math.Sqrt(variance + 1e-3) * w[i])], plain, 2 * FloatArithmetic.NormError);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Activations_hold_their_bound(string width)
    {
        Dictionary<Activation, Func<double, double>> exact = new()
        {
            [Activation.Silu] = v => v / (1 + Math.Exp(-v)),
            [Activation.GeluTanh] = v => 0.5 * v * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (v + 0.044715 * v * v * v))),
            [Activation.GeluErf] = v => 0.5 * v * (1 + VectorMathTests.Erf(v / Math.Sqrt(2))),
            [Activation.Relu] = v => Math.Max(v, 0),
            [Activation.Tanh] = Math.Tanh,
            [Activation.ReluSquared] = v => Math.Pow(Math.Max(v, 0), 2),
            [Activation.Sigmoid] = v => 1 / (1 + Math.Exp(-v)),
        };
        Assert.Equal(Enum.GetValues<Activation>().Length, exact.Count);
        float[] x = [.. Enumerable.Range(0, 40_001).Select(i => (i - 20_000) / 1000f)];
        float[] factor = Normal(x.Length, 5);
        foreach ((Activation activation, Func<double, double> function) in exact)
        {
            float[] alone = Run(x, (source, target) => { Copy(source, target, x.Length); Of(width).Activate(activation, target, null, x.Length); });
            float[] gated = Run(x, (source, target) => { Copy(source, target, x.Length); fixed (float* f = factor) Of(width).Activate(activation, target, f, x.Length); });
            for (int i = 0; i < x.Length; i++)
            {
                double expected = function(x[i]);
                double bound = FloatArithmetic.ActivationError * Math.Max(Math.Abs(x[i]), Math.Abs(expected));
                Assert.True(Math.Abs(alone[i] - expected) <= bound, $"{activation}({x[i]}) = {alone[i]:G9}, expected {expected:G12}");
                Assert.True(Math.Abs(gated[i] - expected * factor[i]) <= bound * 1.2 * Math.Abs(factor[i]), $"{activation}({x[i]}) gated");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Rotations_turn_pairs(string width)
    {
        foreach (int pairs in new[] { 1, 2, 3, 4, 6, 8, 13, 32, 40 })
        {
            float[] x = Normal(2 * pairs, pairs), angles = Normal(pairs, pairs + 1);
            float[] cosines = [.. angles.Select(MathF.Cos)], sines = [.. angles.Select(MathF.Sin)];
            float[] halves = Run(x, (source, target) =>
            {
                Copy(source, target, x.Length);
                fixed (float* c = cosines, s = sines)
                    Of(width).RotateHalves(target, c, s, x.Length);
            });
            float[] doubled = [.. cosines.SelectMany(c => new[] { c, c })], signed = [.. sines.SelectMany(s => new[] { -s, s })];
            float[] neighbours = Run(x, (source, target) =>
            {
                Copy(source, target, x.Length);
                fixed (float* c = doubled, s = signed)
                    Of(width).RotatePairs(target, c, s, x.Length);
            });
            for (int i = 0; i < pairs; i++)
            {
                void AssertTurned(float first, float second, float turnedFirst, float turnedSecond)
                {
                    double bound = FloatArithmetic.RotationError * Math.Sqrt((double)first * first + (double)second * second);
                    Assert.Equal((double)first * cosines[i] - (double)second * sines[i], turnedFirst, bound);
                    Assert.Equal((double)second * cosines[i] + (double)first * sines[i], turnedSecond, bound);
                }
                AssertTurned(x[i], x[i + pairs], halves[i], halves[i + pairs]);
                AssertTurned(x[2 * i], x[2 * i + 1], neighbours[2 * i], neighbours[2 * i + 1]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Tiles_of_every_width_are_products(string width)
    {
        FloatArithmetic arithmetic = Of(width);
        const int Rows = FloatArithmetic.TileRowCount;
        for (int columns = arithmetic.Lanes; columns <= arithmetic.PanelWidth; columns += arithmetic.Lanes)
        {
            foreach (int depth in new[] { 1, 2, 5, 64, 255 })
            {
                foreach (bool turned in new[] { false, true })
                {
                    // Rows of the left operand one after another, or its columns.
                    (int rowStride, int step) = turned ? (1, Rows + 3) : (depth + 5, 1);
                    float[] a = Normal(Rows * rowStride + depth * step + 8, depth), b = Normal(depth * columns, columns), c = Normal(Rows * columns, 3);
                    var expected = new double[c.Length];
                    for (int i = 0; i < Rows; i++)
                    {
                        for (int j = 0; j < columns; j++)
                            expected[i * columns + j] = Enumerable.Range(0, depth).Sum(k => (double)a[i * rowStride + k * step] * b[k * columns + j]);
                    }
                    float[] product = (float[])c.Clone(), sum = (float[])c.Clone();
                    fixed (float* pa = a, pb = b, pp = product, ps = sum)
                    {
                        arithmetic.MultiplyTile(pa, rowStride, step, pb, columns, depth, null, 0, pp, columns);
                        arithmetic.MultiplyTile(pa, rowStride, step, pb, columns, depth, ps, columns, ps, columns);
                    }
                    AssertClose(expected, product, 1e-5 * Math.Sqrt(depth) + 1e-6);
                    AssertClose([.. expected.Zip(c, (e, v) => e + v)], sum, 1e-5 * Math.Sqrt(depth) + 1e-6);
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Transposing_any_shape_moves_every_element(string width)
    {
        foreach ((int rows, int columns) in new[] { (1, 1), (3, 5), (4, 4), (8, 8), (8, 17), (17, 8), (16, 16), (23, 41), (33, 48), (47, 20), (64, 64) })
        {
            float[] source = Normal(rows * (columns + 3), rows), target = new float[columns * (rows + 2)];
            fixed (float* from = source, to = target)
                Of(width).Transpose(from, columns + 3, rows, columns, to, rows + 2);
            for (int row = 0; row < rows; row++)
            {
                for (int column = 0; column < columns; column++)
                    Assert.Equal(source[row * (columns + 3) + column], target[column * (rows + 2) + row]);
            }
            for (int column = 0; column < columns; column++)
                Assert.Equal([0f, 0f], target[(column * (rows + 2) + rows)..(column * (rows + 2) + rows + 2)]);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Softmax_over_tiles_equals_softmax_over_all(string width)
    {
        FloatArithmetic arithmetic = Of(width);
        int columns = arithmetic.PanelWidth;
        float[] scores = Normal(23 * columns, 1);
        for (int i = 0; i < scores.Length; i++)
            scores[i] *= 20;
        // Columns that see nothing of the first tile.
        for (int row = 0; row < 10; row++)
            scores[row * columns] = float.NegativeInfinity;
        float[] results = new float[columns], maxima = new float[columns], sums = new float[columns], factors = new float[columns];
        maxima.AsSpan().Fill(-1e30f);
        float[] values = Normal(23, 2);
        foreach ((int first, int count) in new[] { (0, 10), (10, 12), (22, 1) })
        {
            float[] tile = scores[(first * columns)..((first + count) * columns)];
            fixed (float* pt = tile, pm = maxima, ps = sums, pf = factors, pr = results)
            {
                arithmetic.SoftmaxStep(pt, count, columns, pm, ps, pf);
                arithmetic.ScaleColumns(pr, 1, columns, pf);
            }
            for (int i = 0; i < tile.Length; i++)
                results[i % columns] += tile[i] * values[first + i / columns];
        }
        for (int column = 0; column < columns; column++)
        {
            double[] own = [.. Enumerable.Range(0, 23).Select(row => (double)scores[row * columns + column])];
            double largest = own.Max(), total = own.Sum(v => Math.Exp(v - largest));
            double expected = own.Select((v, i) => Math.Exp(v - largest) / total * values[i]).Sum();
            Assert.Equal(expected, results[column] / sums[column], FloatArithmetic.SoftmaxError * values.Max(MathF.Abs));
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Sums_and_caps_follow_their_formulas(string width)
    {
        foreach (int n in lengths)
        {
            float[] x = [.. Normal(n, n).Select(v => 5 * v)], y = Normal(n, n + 1);
            AssertClose([.. x.Select(v => 3 * Math.Tanh(v / 3))], Run(x, (source, target) => { Copy(source, target, n); Of(width).SoftCap(target, 3, n); }), 3e-6);
            AssertClose([.. x.Select((v, i) => y[i] + 0.3 * v)], Run(y, (source, target) => { Copy(source, target, n); fixed (float* px = x) Of(width).AddScaled(target, px, 0.3f, n); }), 1e-6);
            fixed (float* px = x, py = y)
            {
                Assert.Equal(x.Zip(y, (a, b) => (double)a * b).Sum(), Of(width).Dot(px, py, n), 1e-4);
                Assert.Equal(x.Max(), Of(width).Largest(px, n));
            }
            float sum = 0;
            float[] exponentials = Run(x, (source, target) => { Copy(source, target, n); sum = Of(width).ExponentialSum(target, 2, n); });
            AssertClose([.. x.Select(v => Math.Exp(v - 2))], exponentials, FloatArithmetic.ExponentialError, relative: true);
            Assert.Equal(1, sum / x.Sum(v => Math.Exp(v - 2)), FloatArithmetic.SoftmaxError);
        }
    }

    private delegate void Step(float* source, float* target);

    private static float[] Run(float[] source, Step step)
    {
        var target = new float[source.Length];
        fixed (float* from = source, to = target)
            step(from, to);
        return target;
    }

    private static void Copy(float* source, float* target, int count) => new ReadOnlySpan<float>(source, count).CopyTo(new Span<float>(target, count));

    private static void AssertClose(double[] expected, float[] actual, double tolerance, bool relative = false)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            double bound = relative ? tolerance * Math.Abs(expected[i]) : tolerance * Math.Max(1, Math.Abs(expected[i]));
            Assert.True(Math.Abs(expected[i] - actual[i]) <= bound, $"element {i} of {expected.Length} is {actual[i]:G9}, expected {expected[i]:G12}");
        }
    }

    private static float[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
