using System.Numerics;
using Decant.Core.Errors;
using Decant.Engine.LinearAlgebra;

namespace Decant.Engine.Tests.LinearAlgebra;

public class SymmetricEigenTests
{
    public static TheoryData<string> Fixtures => LinearAlgebraFixture.Names("symmetric_");

    public static TheoryData<string> Levels => Matrices.Levels;

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Fixtures_are_decomposed_within_their_tolerances(string file)
    {
        LinearAlgebraFixture fixture = LinearAlgebraFixture.Read(file);
        int n = fixture.RowCount("a");
        double[] a = fixture["a"], expected = fixture["eigenvalues"];
        double norm = expected.Max(Math.Abs);
        foreach (string level in Matrices.Levels.Select(row => row.Data))
        {
            using var workspace = new Workspace(1, level);
            double[] values = new double[n], vectors = new double[n * n];
            SymmetricEigen.Decompose(workspace, new(a, n, n), values, new MatrixSpan<double>(vectors, n, n));
            for (int i = 0; i < n; i++)
                Assert.True(Math.Abs(expected[i] - values[i]) <= 1e-13 * norm, $"{level}: λ {i} is {values[i]:G17}, expected {expected[i]:G17}");
            AssertDecomposition(a, values, vectors, n, 1e-13);
            // The space of the three largest, where there is a gap below them.
            if (n > 3 && values[n - 3] - values[n - 4] > 1e-6 * norm)
            {
                double[] top = new double[n * 3];
                for (int i = 0; i < n; i++)
                    vectors.AsSpan(i * n + n - 3, 3).CopyTo(top.AsSpan(3 * i));
                double[] projector = Matrices.Product(top, Matrices.Transposed(top, n, 3), n, 3, n);
                Assert.True(Matrices.Distance(fixture["spectral_projector_top3"], projector) <= 1e-13 * norm / (values[n - 3] - values[n - 4]), level);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Matrices_of_any_size_are_decomposed(string level)
    {
        foreach (int threads in new[] { 1, 3 })
        {
            using var workspace = new Workspace(threads, level);
            foreach (int n in new[] { 1, 2, 3, 31, 32, 33, 65, 130 })
            {
                CheckSize<double>(workspace, n, 1e-13);
                CheckSize<float>(workspace, n, 2e-5);
            }
        }
    }

    [Fact]
    public void Known_eigenvalues_are_found_however_they_are_spread()
    {
        const int N = 80;
        using var workspace = new Workspace(2);
        double[][] spectra =
        [
            [.. Enumerable.Range(0, N).Select(i => Math.Pow(10, -15.0 * i / (N - 1)))],
            [.. Enumerable.Range(0, N).Select(i => i % 3 == 0 ? -1.0 : 1)],
            [.. Enumerable.Range(0, N).Select(i => i == 0 ? 1.0 : 0)],
            [.. Enumerable.Range(0, N).Select(_ => -2.0)],
            [.. Enumerable.Range(0, N).Select(i => 1 + 1e-10 * i)],
        ];
        foreach (double[] spectrum in spectra)
        {
            // V · diag · Vᵀ with V from the left singular vectors of any matrix.
            double[] u = new double[N * N], s = new double[N], v = new double[N * N];
            Svd.Decompose(workspace, new(Matrices.Normal(N * N, 4), N, N), new MatrixSpan<double>(u, N, N), s, new MatrixSpan<double>(v, N, N));
            double[] a = Matrices.Product([.. u.Select((x, at) => x * spectrum[at % N])], Matrices.Transposed(u, N, N), N, N, N);
            double[] values = new double[N], vectors = (double[])a.Clone(), sorted = [.. spectrum.Order()];
            SymmetricEigen.Decompose(workspace, new(vectors, N, N), values, new MatrixSpan<double>(vectors, N, N));
            for (int i = 0; i < N; i++)
                Assert.True(Math.Abs(values[i] - sorted[i]) <= 1e-13 * spectrum.Max(Math.Abs), $"λ {i} is {values[i]:G17}, expected {sorted[i]:G17}");
            AssertDecomposition(a, values, vectors, N, 1e-13);
        }
    }

    [Fact]
    public void Bytes_do_not_depend_on_the_number_of_threads()
    {
        const int N = 260;
        double[] a = Symmetric(N);
        double[]? first = null;
        foreach (int threads in new[] { 1, 2, 3, 4 })
        {
            using var workspace = new Workspace(threads);
            double[] values = new double[N], vectors = new double[N * N];
            SymmetricEigen.Decompose(workspace, new(a, N, N), values, new MatrixSpan<double>(vectors, N, N));
            first ??= vectors;
            Assert.Equal(first, vectors);
        }
    }

    [Fact]
    public void Only_the_lower_half_is_read_and_what_is_wrong_is_named()
    {
        using var workspace = new Workspace(1);
        double[] a = Symmetric(40), halved = (double[])a.Clone(), values = new double[40], other = new double[40], vectors = new double[1600], otherVectors = new double[1600];
        for (int i = 0; i < 40; i++)
            halved.AsSpan(i * 40 + i + 1, 39 - i).Fill(double.NaN);
        SymmetricEigen.Decompose(workspace, new(a, 40, 40), values, new MatrixSpan<double>(vectors, 40, 40));
        SymmetricEigen.Decompose(workspace, new(halved, 40, 40), other, new MatrixSpan<double>(otherVectors, 40, 40));
        Assert.Equal(vectors, otherVectors);
        halved[40 * 3 + 1] = double.PositiveInfinity;
        Assert.Contains("Infinity", Assert.Throws<NumericalException>(() => SymmetricEigen.Decompose(workspace, new(halved, 40, 40), other, new MatrixSpan<double>(otherVectors, 40, 40))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SymmetricEigen.Decompose(workspace, new(a, 20, 40), other, new MatrixSpan<double>(otherVectors, 40, 40)));
        Assert.Throws<ArgumentException>(() => SymmetricEigen.Decompose(workspace, new(a, 40, 40), other.AsSpan(1), new MatrixSpan<double>(otherVectors, 40, 40)));
        SymmetricEigen.Decompose<double>(workspace, new([], 0, 0), [], new MatrixSpan<double>([], 0, 0));
    }

    [Theory]
    [InlineData(7)]
    [InlineData(70)]
    public void Structured_matrices_are_decomposed(int n)
    {
        using var workspace = new Workspace(1);
        foreach ((_, double[] elements) in Matrices.Structured(n, n))
        {
            double[] symmetric = [.. elements.Select((_, at) => elements[Math.Min(at / n, at % n) * n + Math.Max(at / n, at % n)])];
            Check<double>(workspace, symmetric, n, 1e-13);
            Check<float>(workspace, symmetric, n, 2e-5);
        }
    }

    private static void CheckSize<T>(Workspace workspace, int n, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T> => Check<T>(workspace, Symmetric(n), n, tolerance);

    private static void Check<T>(Workspace workspace, double[] elements, int n, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T[] a = Matrices.Of<T>(elements), values = new T[n], vectors = new T[n * n];
        SymmetricEigen.Decompose(workspace, new(a, n, n), values, new MatrixSpan<T>(vectors, n, n));
        AssertDecomposition(Matrices.Doubles(a), Matrices.Doubles(values), Matrices.Doubles(vectors), n, tolerance);
    }

    private static void AssertDecomposition(double[] a, double[] values, double[] vectors, int n, double tolerance)
    {
        double[] rebuilt = Matrices.Product([.. vectors.Select((x, at) => x * values[at % n])], Matrices.Transposed(vectors, n, n), n, n, n);
        Assert.True(Matrices.Distance(a, rebuilt) <= tolerance * Matrices.Norm(a), $"n = {n}: V λ Vᵀ differs by {Matrices.Distance(a, rebuilt)}");
        Assert.True(Matrices.DistanceFromOrthonormal(vectors, n, n) <= tolerance * Math.Sqrt(n) * 2, $"n = {n}: V is not orthonormal");
        for (int i = 1; i < n; i++)
            Assert.True(values[i] >= values[i - 1]);
    }

    private static double[] Symmetric(int n)
    {
        double[] x = Matrices.Normal(n * n, n);
        return [.. x.Select((_, at) => x[at] + x[at % n * n + at / n])];
    }
}
