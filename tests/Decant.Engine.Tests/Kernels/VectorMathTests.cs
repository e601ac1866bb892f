using System.Runtime.Intrinsics;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Tests.Kernels;

/// <summary>The stated error bounds of the elementary functions, walked through at every width.</summary>
public unsafe class VectorMathTests
{
    private delegate void Function(float* source, float* target, int count);

    public static TheoryData<string> Widths() => [.. InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name)];

    [Theory]
    [MemberData(nameof(Widths))]
    public void Exp_holds_its_bound(string width)
    {
        AssertRelative(Pick(width).Exp, Math.Exp, Range(-87.33f, 88.37f, 400_000), VectorMath<float, ScalarOps>.ExpRelativeError);
        float[] edges = Apply(Pick(width).Exp, [0, -0f, -88, -1000, float.NegativeInfinity, 89, 1e30f]);
        Assert.Equal([1f, 1f, 0f, 0f, 0f], edges[..5]);
        Assert.True(edges[5] > 2e38f && float.IsFinite(edges[6]));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Tanh_holds_its_bound(string width)
    {
        AssertRelative(Pick(width).Tanh, Math.Tanh, Range(-12, 12, 400_000), VectorMath<float, ScalarOps>.TanhRelativeError);
        AssertRelative(Pick(width).Tanh, Math.Tanh, Range(-1e-3f, 1e-3f, 1000), VectorMath<float, ScalarOps>.TanhRelativeError);
        Assert.Equal([0f, 1f, -1f, 1f, -1f], Apply(Pick(width).Tanh, [0, 30, -30, float.PositiveInfinity, float.NegativeInfinity]));
    }

    [Theory]
    [MemberData(nameof(Widths))]
    public void Erf_holds_its_bound(string width)
    {
        AssertRelative(Pick(width).Erf, Erf, Range(-5, 5, 200_000), VectorMath<float, ScalarOps>.ErfRelativeError);
        AssertRelative(Pick(width).Erf, Erf, Range(-1e-3f, 1e-3f, 1000), VectorMath<float, ScalarOps>.ErfRelativeError);
        Assert.Equal([0f, 1f, -1f, 1f, -1f], Apply(Pick(width).Erf, [0, 10, -10, float.PositiveInfinity, float.NegativeInfinity]));
    }

    /// <summary>Series near zero, continued fraction far away: exact to double precision for what is tested here.</summary>
    internal static double Erf(double x)
    {
        if (Math.Abs(x) < 2.5)
        {
            double term = x, sum = x;
            for (int n = 1; Math.Abs(term) > 1e-18 * Math.Abs(sum); n++)
            {
                term *= -x * x / n;
                sum += term / (2 * n + 1);
            }
            return 2 / Math.Sqrt(Math.PI) * sum;
        }
        double fraction = 0;
        double magnitude = Math.Abs(x);
        for (int k = 60; k > 0; k--)
            fraction = k / 2.0 / (magnitude + fraction);
        return Math.Sign(x) * (1 - Math.Exp(-x * x) / ((magnitude + fraction) * Math.Sqrt(Math.PI)));
    }

    private static float[] Range(float first, float last, int count) => [.. Enumerable.Range(0, count).Select(i => first + (last - first) * i / (count - 1))];

    private static void AssertRelative(Function function, Func<double, double> exact, float[] arguments, double bound)
    {
        float[] values = Apply(function, arguments);
        double worst = 0;
        for (int i = 0; i < arguments.Length; i++)
        {
            double expected = exact(arguments[i]);
            double error = expected == 0 ? Math.Abs(values[i]) : Math.Abs(values[i] / expected - 1);
            Assert.True(error <= bound, $"f({arguments[i]:G9}) = {values[i]:G9}, expected {expected:G12}: error {error:G3}");
            worst = Math.Max(worst, error);
        }
        // A bound ten times too wide would say nothing.
        Assert.True(worst > bound / 10, $"the bound {bound} is too wide for {worst}");
    }

    private static float[] Apply(Function function, float[] arguments)
    {
        // Widths up to 16 read and write whole vectors.
        var source = new float[arguments.Length + 16];
        var target = new float[source.Length];
        arguments.CopyTo(source, 0);
        fixed (float* from = source, to = target)
            function(from, to, arguments.Length);
        return target[..arguments.Length];
    }

    private static (Function Exp, Function Tanh, Function Erf) Pick(string width) => width switch
    {
        "avx512" => Functions<Vector512<float>, Ops512>(),
        "avx2" => Functions<Vector256<float>, Ops256>(),
        "vector128" => Functions<Vector128<float>, Ops128>(),
        _ => Functions<float, ScalarOps>(),
    };

    private static (Function Exp, Function Tanh, Function Erf) Functions<TVector, TOps>()
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => (
            (source, target, count) =>
            {
                for (int i = 0; i < count; i += TOps.Lanes)
                    TOps.Store(target + i, VectorMath<TVector, TOps>.Exp(TOps.Load(source + i)));
            },
            (source, target, count) =>
            {
                for (int i = 0; i < count; i += TOps.Lanes)
                    TOps.Store(target + i, VectorMath<TVector, TOps>.Tanh(TOps.Load(source + i)));
            },
            (source, target, count) =>
            {
                for (int i = 0; i < count; i += TOps.Lanes)
                    TOps.Store(target + i, VectorMath<TVector, TOps>.Erf(TOps.Load(source + i)));
            });
}
