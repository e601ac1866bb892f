using System.Numerics;
using Decant.Engine.LinearAlgebra;
using Decant.Engine.Tests.Kernels;

namespace Decant.Engine.Tests.LinearAlgebra;

public unsafe class GemmTests
{
    // Rounding of a sum of k products in single precision, in units of the largest possible sum; the factor covers blocked order.
    private const double SingleTolerance = 1.2e-7;
    private const double DoubleTolerance = 2.3e-16;

    private static readonly (int M, int N, int K)[] Shapes =
    [
        (1, 1, 1), (1, 7, 3), (7, 1, 5), (6, 64, 16), (5, 63, 17), (13, 70, 129), (48, 65, 257), (97, 33, 64), (191, 130, 300), (3, 300, 40), (230, 20, 31),
    ];

    public static TheoryData<string> Levels => Matrices.Levels;

    [Theory]
    [MemberData(nameof(Levels))]
    public void Products_in_single_precision_equal_the_definition(string level)
    {
        foreach (int threads in new[] { 1, 3 })
        {
            using var workspace = new Workspace(threads, level);
            foreach ((int m, int n, int k) in Shapes)
                CheckAllForms<float>(workspace, m, n, k, SingleTolerance);
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Products_in_double_precision_equal_the_definition(string level)
    {
        using var workspace = new Workspace(2, level);
        foreach ((int m, int n, int k) in Shapes)
            CheckAllForms<double>(workspace, m, n, k, DoubleTolerance);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Bytes_do_not_depend_on_the_number_of_threads(string level)
    {
        foreach ((int m, int n, int k) in new[] { (301, 317, 160), (600, 70, 150), (20, 700, 300), (5, 5, 2000) })
        {
            float[] a = Matrices.Of<float>(Matrices.Normal(m * k, 1)), b = Matrices.Of<float>(Matrices.Normal(k * n, 2));
            float[]? first = null;
            foreach (int threads in new[] { 1, 2, 3, 4, 8 })
            {
                using var workspace = new Workspace(threads, level);
                var c = new float[m * n];
                Gemm.Multiply(workspace, new ReadOnlyMatrixSpan<float>(a, m, k), new ReadOnlyMatrixSpan<float>(b, k, n), new MatrixSpan<float>(c, m, n));
                first ??= c;
                Assert.Equal(first, c);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Brain_floats_are_widened_and_then_multiplied(string level)
    {
        using var workspace = new Workspace(2, level);
        foreach ((int m, int n, int k) in Shapes)
        {
            ushort[] a = Brain(Matrices.Normal(m * k, 1)), b = Brain(Matrices.Normal(k * n, 2));
            float[] wideA = [.. a.Select(Wide)], wideB = [.. b.Select(Wide)];
            ushort[] aTurned = Matrices.Transposed(a, m, k), bTurned = Matrices.Transposed(b, k, n);
            var expected = new float[m * n];
            Gemm.Multiply<float>(workspace, new(wideA, m, k), new(wideB, k, n), new MatrixSpan<float>(expected, m, n), 0.75f, 0);
            foreach (bool turned in new[] { false, true })
            {
                var left = turned ? new ReadOnlyMatrixSpan<ushort>(aTurned, k, m).Transposed : new(a, m, k);
                var right = turned ? new ReadOnlyMatrixSpan<ushort>(bTurned, n, k).Transposed : new(b, k, n);
                float[] both = new float[m * n], one = new float[m * n], other = new float[m * n];
                Gemm.MultiplyBrainFloat(workspace, left, right, new MatrixSpan<float>(both, m, n), 0.75f);
                Gemm.MultiplyBrainFloat(workspace, left, new ReadOnlyMatrixSpan<float>(wideB, k, n), new MatrixSpan<float>(one, m, n), 0.75f);
                Gemm.MultiplyBrainFloat(workspace, new ReadOnlyMatrixSpan<float>(wideA, m, k), right, new MatrixSpan<float>(other, m, n), 0.75f);
                Assert.Equal(expected, both);
                Assert.Equal(expected, one);
                Assert.Equal(expected, other);
            }
        }
    }

    [Fact]
    public void Sums_and_rows_longer_than_a_slab_are_whole()
    {
        const int M = 7, N = 4200, K = 2100;
        float[] a = Matrices.Of<float>(Matrices.Normal(M * K, 1)), b = Matrices.Of<float>(Matrices.Normal(K * N, 2));
        double[] expected = Matrices.Product(Matrices.Doubles(a), Matrices.Doubles(b), M, K, N);
        foreach (int threads in new[] { 1, 2 })
        {
            using var workspace = new Workspace(threads);
            var c = new float[M * N];
            Gemm.Multiply<float>(workspace, new(a, M, K), new(b, K, N), new MatrixSpan<float>(c, M, N));
            for (int i = 0; i < c.Length; i++)
                Assert.Equal(expected[i], c[i], 1e-3);
        }
    }

    [Fact]
    public void A_batch_is_its_products()
    {
        const int M = 17, N = 40, K = 33;
        float[] a = Matrices.Of<float>(Matrices.Normal(5 * M * K, 1)), b = Matrices.Of<float>(Matrices.Normal(5 * (K * N + 3), 2));
        foreach (int threads in new[] { 1, 2, 4 })
        {
            using var workspace = new Workspace(threads);
            foreach (int count in new[] { 0, 1, 3, 5 })
            {
                foreach (int bStep in new[] { 0, K * N + 3 })
                {
                    float[] batch = new float[5 * M * N], single = new float[5 * M * N];
                    Gemm.MultiplyBatch(workspace, count, new(a, M, K), M * K, new(b, K, N), bStep, new MatrixSpan<float>(batch, M, N), M * N, 1, 0);
                    for (int i = 0; i < count; i++)
                        Gemm.Multiply<float>(workspace, new(a.AsSpan(i * M * K), M, K), new(b.AsSpan(i * bStep), K, N), new MatrixSpan<float>(single.AsSpan(i * M * N), M, N));
                    Assert.Equal(single, batch);
                }
            }
        }
    }

    [Fact]
    public void Nothing_outside_the_matrices_is_touched()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "guarded pages are made by mmap");
        const int Bytes = 1 << 20;
        using GuardedPages a = new(Bytes), b = new(Bytes), c = new(Bytes);
        foreach (string level in Matrices.Levels.Select(row => row.Data))
        {
            using var workspace = new Workspace(1, level);
            foreach ((int m, int n, int k) in Shapes)
            {
                foreach (bool isTurned in new[] { false, true })
                {
                    var left = new ReadOnlyMatrixSpan<float>(new Span<float>(a.Last(m * k * 4), m * k), isTurned ? k : m, isTurned ? m : k);
                    var right = new ReadOnlyMatrixSpan<float>(new Span<float>(b.Last(k * n * 4), k * n), isTurned ? n : k, isTurned ? k : n);
                    Gemm.Multiply(workspace, isTurned ? left.Transposed : left, isTurned ? right.Transposed : right, new MatrixSpan<float>(new Span<float>(c.Last(m * n * 4), m * n), m, n));
                    var brainLeft = new ReadOnlyMatrixSpan<ushort>(new Span<ushort>(a.Last(m * k * 2), m * k), isTurned ? k : m, isTurned ? m : k);
                    Gemm.MultiplyBrainFloat(workspace, isTurned ? brainLeft.Transposed : brainLeft, isTurned ? right.Transposed : right, new MatrixSpan<float>(new Span<float>(c.First, m * n), m, n));
                }
            }
        }
    }

    [Fact]
    public void Zero_factors_and_empty_sums_do_as_the_formula_says()
    {
        using var workspace = new Workspace(1);
        float[] nan = [float.NaN, float.NaN, float.NaN, float.NaN], ones = [1, 1, 1, 1];
        float[] c = (float[])nan.Clone();
        Gemm.Multiply<float>(workspace, new(ones, 2, 2), new(ones, 2, 2), new MatrixSpan<float>(c, 2, 2), 1, 0f);
        Assert.Equal([2, 2, 2, 2], c);
        Gemm.Multiply<float>(workspace, new(nan, 2, 2), new(nan, 2, 2), new MatrixSpan<float>(c, 2, 2), 0, 3f);
        Assert.Equal([6, 6, 6, 6], c);
        Gemm.Multiply<float>(workspace, new(ones, 2, 0), new(ones, 0, 2), new MatrixSpan<float>(c, 2, 2), 1, 0f);
        Assert.Equal([0, 0, 0, 0], c);
        Gemm.Multiply<float>(workspace, new(nan, 2, 2), new(ones, 2, 2), new MatrixSpan<float>(c, 2, 2), 1, 0f);
        Assert.All(c, v => Assert.True(float.IsNaN(v)));
        Gemm.Multiply<float>(workspace, new([], 0, 3), new(new float[6], 3, 2), new MatrixSpan<float>([], 0, 2));
    }

    [Fact]
    public void Shapes_that_do_not_fit_are_named()
    {
        using var workspace = new Workspace(1);
        var data = new float[100];
        Assert.Contains("[2, 3]", Assert.Throws<ArgumentException>(() => Gemm.Multiply<float>(workspace, new(data, 2, 3), new(data, 4, 2), new MatrixSpan<float>(data, 2, 2))).Message, StringComparison.Ordinal);
        Assert.Contains("[3, 2]", Assert.Throws<ArgumentException>(() => Gemm.Multiply<float>(workspace, new(data, 2, 3), new(data, 3, 2), new MatrixSpan<float>(data, 3, 2))).Message, StringComparison.Ordinal);
        Assert.Contains("needs 110", Assert.Throws<ArgumentException>(() => new MatrixSpan<float>(data, 10, 11)).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentOutOfRangeException>(() => new MatrixSpan<float>(data, 2, 5, 4));
        Assert.Throws<ArgumentException>(() => Gemm.MultiplyBatch<float>(workspace, 3, new(data, 5, 5), 25, new(data, 5, 5), 0, new MatrixSpan<float>(data, 5, 5), 20, 1, 0));
        Assert.Throws<ArgumentException>(() => Gemm.MultiplyBatch<float>(workspace, 5, new(data, 5, 5), 25, new(data, 5, 5), 0, new MatrixSpan<float>(data, 5, 5), 25, 1, 0));
        Assert.Throws<NotSupportedException>(() => Gemm.Multiply<Half>(workspace, new(new Half[1], 1, 1), new(new Half[1], 1, 1), new MatrixSpan<Half>(new Half[1], 1, 1)));
    }

    private static void CheckAllForms<T>(Workspace workspace, int m, int n, int k, double unit)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] a = Matrices.Of<T>(Matrices.Normal(m * k, m)), b = Matrices.Of<T>(Matrices.Normal(k * n, n)), old = Matrices.Of<T>(Matrices.Normal(m * n, k));
        double[] product = Matrices.Product(Matrices.Doubles(a), Matrices.Doubles(b), m, k, n);
        double[] magnitudes = Matrices.Product([.. a.Select(v => Math.Abs(double.CreateTruncating(v)))], [.. b.Select(v => Math.Abs(double.CreateTruncating(v)))], m, k, n);
        foreach ((bool turnA, bool turnB, double alpha, double beta) in new[] { (false, false, 1.0, 0.0), (false, true, 1.0, 1.0), (true, false, -0.5, 1.0), (true, true, 2.0, -3.0) })
        {
            // Rows lie three elements further apart than they are long.
            T[] storedA = Spread(turnA ? Matrices.Transposed(a, m, k) : a, turnA ? k : m, turnA ? m : k);
            T[] storedB = Spread(turnB ? Matrices.Transposed(b, k, n) : b, turnB ? n : k, turnB ? k : n);
            T[] c = Spread(old, m, n);
            var left = new ReadOnlyMatrixSpan<T>(storedA, turnA ? k : m, turnA ? m : k, (turnA ? m : k) + 3);
            var right = new ReadOnlyMatrixSpan<T>(storedB, turnB ? n : k, turnB ? k : n, (turnB ? k : n) + 3);
            Gemm.Multiply(workspace, turnA ? left.Transposed : left, turnB ? right.Transposed : right, new MatrixSpan<T>(c, m, n, n + 3), T.CreateTruncating(alpha), T.CreateTruncating(beta));
            for (int i = 0; i < m; i++)
            {
                for (int j = 0; j < n + 3 && i * (n + 3) + j < c.Length; j++)
                {
                    double actual = double.CreateTruncating(c[i * (n + 3) + j]);
                    if (j >= n)
                    {
                        Assert.Equal(77, actual);
                        continue;
                    }
                    int at = i * n + j;
                    double before = double.CreateTruncating(old[at]);
                    double bound = unit * (Math.Abs(alpha) * magnitudes[at] * (2 + Math.Sqrt(k)) + 2 * Math.Abs(beta * before));
                    double expected = alpha * product[at] + beta * before;
                    Assert.True(Math.Abs(expected - actual) <= bound, $"[{m}, {n}, {k}] {turnA} {turnB}: element ({i}, {j}) is {actual:G17}, expected {expected:G17}, bound {bound:G3}");
                }
            }
        }
    }

    private static T[] Spread<T>(T[] matrix, int rowCount, int columnCount)
        where T : unmanaged, INumber<T>
    {
        T[] spread = [.. Enumerable.Repeat(T.CreateTruncating(77), (rowCount - 1) * (columnCount + 3) + columnCount)];
        for (int i = 0; i < rowCount; i++)
            matrix.AsSpan(i * columnCount, columnCount).CopyTo(spread.AsSpan(i * (columnCount + 3)));
        return spread;
    }

    private static ushort[] Brain(double[] values) => [.. values.Select(v => (ushort)(BitConverter.SingleToUInt32Bits((float)v) >> 16))];

    private static float Wide(ushort bits) => BitConverter.UInt32BitsToSingle((uint)bits << 16);
}
