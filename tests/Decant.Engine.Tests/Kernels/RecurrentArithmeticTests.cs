using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Tests.Kernels;

/// <summary>The steps of recurrent blocks at every width and at lengths around it, against double precision.</summary>
public unsafe class RecurrentArithmeticTests
{
    private const int StateSize = 5;

    private static readonly int[] lengths = [1, 3, 4, 7, 8, 15, 16, 17, 33, 64, 100];

    public static TheoryData<string> Widths() => [.. InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name)];

    private static FloatArithmetic Of(string width) => InstructionSet.Find(width).Arithmetic;

    [Theory]
    [MemberData(nameof(Widths))]
    public void Softplus_holds_its_bound(string width)
    {
        float[] x = [.. Enumerable.Range(0, 40_001).Select(i => (i - 20_000) / 250f), 1e-30f, -1e-30f, 3e38f];
        float[] y = (float[])x.Clone();
        fixed (float* py = y)
            Of(width).Softplus(py, y.Length);
        for (int i = 0; i < x.Length; i++)
        {
            double expected = Math.Max(x[i], 0) + Math.Log(1 + Math.Exp(-Math.Abs((double)x[i])));
            if (x[i] < -15)
                expected = Math.Exp(x[i]) * (1 - Math.Exp(x[i]) / 2);
            Assert.True(Math.Abs(y[i] - expected) <= FloatArithmetic.SoftplusError * expected, $"softplus({x[i]}) = {y[i]:G9}, expected {expected:G12}");
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Products_are_added_and_positions_interpolated(string width)
    {
        foreach (int n in lengths)
        {
            float[] a = Normal(n, 1), b = Normal(n, 2), c = Normal(n, 3), sum = (float[])c.Clone(), mean = new float[n + 1], inPlace = (float[])a.Clone();
            mean[n] = 7;
            fixed (float* pa = a, pb = b, pc = c, ps = sum, pm = mean, pi = inPlace)
            {
                Of(width).AddProducts(ps, pa, pb, n);
                Of(width).Interpolate(pa, pb, pc, pm, n);
                Of(width).Interpolate(pi, pb, pc, pi, n);
            }
            for (int i = 0; i < n; i++)
            {
                Assert.Equal(c[i] + (double)a[i] * b[i], sum[i], 1e-6 * (1 + Math.Abs((double)a[i] * b[i])));
                Assert.Equal((double)c[i] * a[i] + (1.0 - c[i]) * b[i], mean[i], 1e-6 * (1 + Math.Abs((double)c[i] * a[i]) + Math.Abs((1 - c[i]) * (double)b[i])));
            }
            Assert.Equal(7, mean[n]);
            Assert.Equal(mean[..n], inPlace);
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Selective_scans_follow_their_recurrence(string width)
    {
        foreach (int n in lengths)
        {
            int room = FloatArithmetic.ScanLength(n, StateSize);
            Assert.Equal((n + 15) / 16 * 16 * StateSize, room);
            float[] rates = [.. Normal(room, 1).Select(v => -MathF.Exp(v))], state = new float[room], skip = Normal(n, 2), y = new float[n];
            var exact = new double[StateSize, n];
            for (int step = 0; step < 4; step++)
            {
                float[] steps = [.. Normal(n, 10 + step).Select(v => MathF.Abs(v) / 2)], x = Normal(n, 20 + step), b = Normal(StateSize, 30 + step), c = Normal(StateSize, 40 + step);
                fixed (float* ps = state, pr = rates, pd = steps, px = x, pb = b, pc = c, pk = skip, py = y)
                    Of(width).SelectiveScanStep(ps, pr, StateSize, pd, px, pb, pc, pk, py, n);
                for (int i = 0; i < n; i++)
                {
                    double expected = (double)skip[i] * x[i], size = Math.Abs(expected);
                    for (int e = 0; e < StateSize; e++)
                    {
                        exact[e, i] = Math.Exp((double)steps[i] * rates[Place(e, i)]) * exact[e, i] + (double)steps[i] * x[i] * b[e];
                        expected += exact[e, i] * c[e];
                        size += Math.Abs(exact[e, i] * c[e]);
                        Assert.Equal(exact[e, i], state[Place(e, i)], FloatArithmetic.ScanError * (1 + Math.Abs(exact[e, i])));
                    }
                    Assert.Equal(expected, y[i], FloatArithmetic.ScanError * (1 + size));
                }
            }
            // Channels that fill the last block up are left alone.
            for (int e = 0; e < StateSize; e++)
            {
                for (int i = n; i < (n + 15) / 16 * 16; i++)
                    Assert.Equal(0, state[Place(e, i)]);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Head_scans_follow_their_recurrence(string width)
    {
        foreach (int n in lengths)
        {
            float[] state = new float[FloatArithmetic.ScanLength(n, StateSize)], y = new float[n];
            var exact = new double[StateSize, n];
            for (int step = 0; step < 4; step++)
            {
                float[] x = Normal(n, 20 + step), b = Normal(StateSize, 30 + step), c = Normal(StateSize, 40 + step);
                float decay = 0.3f + 0.2f * step, size = 0.5f + step, skip = 1 - step;
                fixed (float* ps = state, px = x, pb = b, pc = c, py = y)
                    Of(width).HeadScanStep(ps, StateSize, decay, size, skip, px, pb, pc, py, n);
                for (int i = 0; i < n; i++)
                {
                    double expected = (double)skip * x[i], sum = Math.Abs(expected);
                    for (int e = 0; e < StateSize; e++)
                    {
                        exact[e, i] = (double)decay * exact[e, i] + (double)size * x[i] * b[e];
                        expected += exact[e, i] * c[e];
                        sum += Math.Abs(exact[e, i] * c[e]);
                        Assert.Equal(exact[e, i], state[Place(e, i)], FloatArithmetic.ScanError * (1 + Math.Abs(exact[e, i])));
                    }
                    Assert.Equal(expected, y[i], FloatArithmetic.ScanError * (1 + sum));
                }
            }
        }
    }

    /// <summary>Keys up to ±60: without the exponents kept apart, sums of their powers would overflow.</summary>
    [Theory]
    [MemberData(nameof(Widths))]
    public void Time_mixing_is_the_weighted_mean_of_all_values(string width)
    {
        foreach (int n in lengths)
        {
            float[] bonus = Normal(n, 1), rates = [.. Normal(n, 2).Select(v => -MathF.Exp(v))], sums = new float[n], weights = new float[n], exponents = new float[n], y = new float[n];
            Array.Fill(exponents, -1e38f);
            var keys = new List<float[]>();
            var values = new List<float[]>();
            for (int step = 0; step < 6; step++)
            {
                keys.Add([.. Normal(n, 20 + step).Select(v => 60 * v)]);
                values.Add(Normal(n, 30 + step));
                fixed (float* pk = keys[^1], pv = values[^1], pu = bonus, pr = rates, ps = sums, pw = weights, pe = exponents, py = y)
                    Of(width).TimeMixingStep(pk, pv, pu, pr, ps, pw, pe, py, n);
                for (int i = 0; i < n; i++)
                {
                    // Weight of position j: e^(key + rate · (positions between)), of the current one e^(key + bonus).
                    double[] logs = [.. Enumerable.Range(0, step + 1).Select(j => (double)keys[j][i] + (j == step ? bonus[i] : (double)rates[i] * (step - 1 - j)))];
                    double largest = logs.Max(), total = logs.Sum(v => Math.Exp(v - largest));
                    double expected = logs.Select((v, j) => Math.Exp(v - largest) / total * values[j][i]).Sum();
                    // A key of 200 has an error of its own of 200 · 2⁻²⁴, which the power turns into a relative one.
                    Assert.Equal(expected, y[i], 1e-4 * values.Max(v => Math.Abs(v[i])));
                }
            }
        }
    }

    private static long Place(int element, int channel) => FloatArithmetic.ScanPlace(channel, StateSize) + element * 16;

    private static float[] Normal(int count, int seed)
    {
        var random = new Random(seed * 1000 + count);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble())))];
    }
}
