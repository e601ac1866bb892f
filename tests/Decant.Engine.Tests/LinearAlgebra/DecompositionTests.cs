using System.Numerics;
using Decant.Core.Errors;
using Decant.Engine.LinearAlgebra;

namespace Decant.Engine.Tests.LinearAlgebra;

/// <summary>QR and SVD on the fixtures and on made matrices.</summary>
public class DecompositionTests
{
    public static TheoryData<string> Fixtures => LinearAlgebraFixture.Names("rectangular_");

    public static TheoryData<string> Levels => Matrices.Levels;

    [Fact]
    public void All_rectangular_fixtures_are_there()
    {
        Decant.Testing.SharedFiles.Require("fixtures", "methods", "linear_algebra", "case.json");
        Assert.Equal(7, Fixtures.Count);
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Fixtures_are_decomposed_within_their_tolerances(string file)
    {
        LinearAlgebraFixture fixture = LinearAlgebraFixture.Read(file);
        int m = fixture.RowCount("a"), n = fixture.ColumnCount("a"), p = Math.Min(m, n);
        double[] a = fixture["a"];
        foreach (string level in Matrices.Levels.Select(row => row.Data))
        {
            using var workspace = new Workspace(1, level);
            double[] u = new double[m * p], values = new double[p], v = new double[p * n], q = new double[m * p], r = new double[p * n];
            Svd.Decompose(workspace, new(a, m, n), new MatrixSpan<double>(u, m, p), values, new MatrixSpan<double>(v, p, n));
            Qr.Factor(workspace, new(a, m, n), new MatrixSpan<double>(q, m, p), new MatrixSpan<double>(r, p, n));

            // |A| in case.json is the spectral norm.
            double[] expected = fixture["singular_values"];
            double norm = expected.Max();
            for (int i = 0; i < p; i++)
                Assert.True(Math.Abs(expected[i] - values[i]) <= 1e-14 * norm, $"{level}: σ {i} is {values[i]:G17}, expected {expected[i]:G17}");
            AssertClose(a, Rebuild(u, values, v, m, p, n, p), 1e-14 * norm);
            AssertClose(a, Matrices.Product(q, r, m, p, n), 1e-14 * norm);
            Assert.True(Matrices.DistanceFromOrthonormal(u, m, p) <= 1e-13);
            Assert.True(Matrices.DistanceFromOrthonormal(Matrices.Transposed(v, p, n), n, p) <= 1e-13);
            Assert.True(Matrices.DistanceFromOrthonormal(q, m, p) <= 1e-13);

            // Rank two is defined where the second and third value differ; the error of the subspace is that of A over their distance.
            if (p > 2 && values[1] - values[2] > 1e-6 * norm)
                AssertClose(fixture["best_rank2"], Rebuild(u, values, v, m, p, n, 2), 1e-14 * norm * norm / (values[1] - values[2]));
            // Values below 1e-10 of the largest dropped; an error of A grows with the square of the inverse of the smallest that is kept.
            double smallest = values.Where(s => s > 1e-10 * norm).DefaultIfEmpty(1).Min();
            double[] inverted = [.. values.Select(s => s > 1e-10 * norm ? 1 / s : 0)];
            AssertClose(fixture["pinv"], Rebuild(Matrices.Transposed(v, p, n), inverted, Matrices.Transposed(u, m, p), n, p, m, p), 1e-14 * norm / smallest / smallest);
            // R is as unique as A's columns are independent.
            double least = values.Min();
            if (m >= n && least > 1e-10 * norm)
                AssertClose(fixture["qr_r_positive"], r, 1e-14 * norm * norm / least);
        }
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Matrices_of_any_shape_are_decomposed(string level)
    {
        foreach (int threads in new[] { 1, 3 })
        {
            using var workspace = new Workspace(threads, level);
            foreach ((int m, int n) in new[] { (1, 1), (2, 2), (1, 5), (5, 1), (31, 31), (33, 32), (40, 70), (100, 65), (150, 33), (130, 130) })
            {
                CheckShape<double>(workspace, m, n, 2e-14);
                CheckShape<float>(workspace, m, n, 1e-5);
            }
        }
    }

    [Fact]
    public void Known_singular_values_are_found_however_they_are_spread()
    {
        const int M = 90, N = 70;
        using var workspace = new Workspace(2);
        double[][] spectra =
        [
            [.. Enumerable.Range(0, N).Select(i => Math.Pow(10, -14.0 * i / (N - 1)))],
            [.. Enumerable.Range(0, N).Select(i => i < 10 ? 1.0 : 1e-9)],
            [.. Enumerable.Range(0, N).Select(i => i == 0 ? 1.0 : 0)],
            [.. Enumerable.Range(0, N).Select(_ => 3.0)],
            [.. Enumerable.Range(0, N).Select(i => 1 - 1e-9 * i)],
            [.. Enumerable.Range(0, N).Select(i => i % 2 == 0 ? Math.Pow(2, -i) : 0).OrderDescending()],
        ];
        foreach (double[] spectrum in spectra)
        {
            double[] a = Matrices.WithSingularValues(M, N, spectrum, 5);
            double[] u = new double[M * N], values = new double[N], v = new double[N * N];
            Svd.Decompose(workspace, new(a, M, N), new MatrixSpan<double>(u, M, N), values, new MatrixSpan<double>(v, N, N));
            for (int i = 0; i < N; i++)
                Assert.True(Math.Abs(values[i] - spectrum[i]) <= 2e-14 * spectrum[0], $"σ {i} is {values[i]:G17}, expected {spectrum[i]:G17}");
            Assert.True(Matrices.Distance(a, Rebuild(u, values, v, M, N, N, N)) <= 5e-14 * spectrum.Max() * Math.Sqrt(N));
            Assert.True(Matrices.DistanceFromOrthonormal(u, M, N) <= 1e-12);
        }
    }

    [Fact]
    public void Huge_tiny_and_zero_matrices_are_decomposed()
    {
        using var workspace = new Workspace(1);
        foreach (double factor in new[] { 1e300, 1e-300, 4e-310, 0 })
        {
            double[] a = [.. Matrices.Normal(12, 3).Select(v => v * factor)], u = new double[12], values = new double[3], vt = new double[9], q = new double[12], r = new double[9];
            Svd.Decompose(workspace, new(a, 4, 3), new MatrixSpan<double>(u, 4, 3), values, new MatrixSpan<double>(vt, 3, 3));
            Qr.Factor(workspace, new(a, 4, 3), new MatrixSpan<double>(q, 4, 3), new MatrixSpan<double>(r, 3, 3));
            Assert.True(Matrices.DistanceFromOrthonormal(u, 4, 3) < 1e-14);
            Assert.True(Matrices.DistanceFromOrthonormal(q, 4, 3) < 1e-14);
            // Below the normal numbers a rounding is a fixed 5e-324.
            AssertClose(a, Rebuild(u, values, vt, 4, 3, 3, 3), 1e-14 * factor + 2e-323);
            AssertClose(a, Matrices.Product(q, r, 4, 3, 3), 1e-14 * factor + 2e-323);
        }
    }

    [Fact]
    public void Bytes_do_not_depend_on_the_number_of_threads()
    {
        const int M = 190, N = 140;
        double[] a = Matrices.Normal(M * N, 8);
        double[]? first = null;
        foreach (int threads in new[] { 1, 2, 3, 4 })
        {
            using var workspace = new Workspace(threads);
            double[] all = new double[M * N + N + N * N + M * N + N * N];
            Svd.Decompose(workspace, new(a, M, N), new MatrixSpan<double>(all.AsSpan(0, M * N), M, N), all.AsSpan(M * N, N), new MatrixSpan<double>(all.AsSpan(M * N + N, N * N), N, N));
            Span<double> rest = all.AsSpan(M * N + N + N * N);
            Qr.Factor(workspace, new(a, M, N), new MatrixSpan<double>(rest[..(M * N)], M, N), new MatrixSpan<double>(rest[(M * N)..], N, N));
            first ??= all;
            Assert.Equal(first, all);
        }
    }

    [Fact]
    public void Bad_elements_and_shapes_are_named_and_empty_matrices_are_fine()
    {
        using var workspace = new Workspace(1);
        double[] a = Matrices.Normal(12, 1), u = new double[12], values = new double[3], vt = new double[9];
        a[7] = double.NaN;
        Assert.Contains("row 2, column 1", Assert.Throws<NumericalException>(() => Svd.Decompose(workspace, new(a, 4, 3), new MatrixSpan<double>(u, 4, 3), values, new MatrixSpan<double>(vt, 3, 3))).Message, StringComparison.Ordinal);
        Assert.Throws<NumericalException>(() => Qr.Factor(workspace, new(a, 4, 3), new MatrixSpan<double>(u, 4, 3), new MatrixSpan<double>(vt, 3, 3)));
        Assert.Contains("[4, 3]", Assert.Throws<ArgumentException>(() => Svd.Decompose(workspace, new(a, 4, 3), new MatrixSpan<double>(u, 3, 4), values, new MatrixSpan<double>(vt, 3, 3))).Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => Qr.Factor(workspace, new(a, 4, 3), new MatrixSpan<double>(u, 4, 3), new MatrixSpan<double>(vt, 2, 3)));
        Svd.Decompose<double>(workspace, new([], 0, 3), new MatrixSpan<double>([], 0, 0), [], new MatrixSpan<double>([], 0, 3));
        Qr.Factor<double>(workspace, new([], 3, 0), new MatrixSpan<double>([], 3, 0), new MatrixSpan<double>([], 0, 0));
    }

    [Theory]
    [InlineData(7, 7)]
    [InlineData(21, 33)]
    [InlineData(70, 70)]
    [InlineData(97, 60)]
    public void Structured_matrices_are_decomposed(int m, int n)
    {
        using var workspace = new Workspace(1);
        foreach ((string name, double[] elements) in Matrices.Structured(m, n))
        {
            Check<double>(workspace, name, elements, m, n, 2e-14);
            Check<float>(workspace, name, elements, m, n, 1e-5);
        }
    }

    private static void CheckShape<T>(Workspace workspace, int m, int n, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double[] elements = Matrices.Normal(m * n, m + n);
        Check<T>(workspace, "random", elements, m, n, tolerance);
        int p = Math.Min(m, n);
        T[] u = new T[m * p], values = new T[p], v = new T[p * n];
        Svd.Decompose(workspace, new(Matrices.Of<T>(elements), m, n), new MatrixSpan<T>(u, m, p), values, new MatrixSpan<T>(v, p, n));
        for (int i = 0; i < p; i++)
            Assert.True(u.Where((_, at) => at % p == i).MaxBy(T.Abs) > T.Zero);
    }

    private static void Check<T>(Workspace workspace, string name, double[] elements, int m, int n, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        int p = Math.Min(m, n);
        T[] a = Matrices.Of<T>(elements), turned = Matrices.Transposed(a, m, n);
        T[] u = new T[m * p], values = new T[p], v = new T[p * n], q = new T[m * p], r = new T[p * n];
        foreach (bool isTurned in new[] { false, true })
        {
            ReadOnlyMatrixSpan<T> view = isTurned ? new ReadOnlyMatrixSpan<T>(turned, n, m).Transposed : new(a, m, n);
            Svd.Decompose(workspace, view, new MatrixSpan<T>(u, m, p), values, new MatrixSpan<T>(v, p, n));
            Qr.Factor(workspace, view, new MatrixSpan<T>(q, m, p), new MatrixSpan<T>(r, p, n));
            double[] exact = Matrices.Doubles(a);
            double norm = Matrices.Norm(exact);
            Assert.True(Matrices.Distance(exact, Rebuild(Matrices.Doubles(u), Matrices.Doubles(values), Matrices.Doubles(v), m, p, n, p)) <= tolerance * norm, $"SVD of {name} [{m}, {n}]");
            Assert.True(Matrices.Distance(exact, Matrices.Product(Matrices.Doubles(q), Matrices.Doubles(r), m, p, n)) <= tolerance * norm, $"QR of {name} [{m}, {n}]");
            Assert.True(Matrices.DistanceFromOrthonormal(Matrices.Doubles(u), m, p) <= tolerance * Math.Sqrt(p) * 2, $"U of {name} [{m}, {n}]");
            Assert.True(Matrices.DistanceFromOrthonormal(Matrices.Doubles(Matrices.Transposed(v, p, n)), n, p) <= tolerance * Math.Sqrt(p) * 2, $"V of {name} [{m}, {n}]");
            Assert.True(Matrices.DistanceFromOrthonormal(Matrices.Doubles(q), m, p) <= tolerance * Math.Sqrt(p) * 2, $"Q of {name} [{m}, {n}]");
            for (int i = 0; i < p; i++)
            {
                Assert.True(i == 0 ? !T.IsNegative(values[i]) : values[i] <= values[i - 1]);
                Assert.False(T.IsNegative(r[i * n + i]));
                Assert.All(r[(i * n)..(i * n + i)], x => Assert.True(T.IsZero(x)));
            }
        }
    }

    private static double[] Rebuild(double[] u, double[] values, double[] v, int m, int p, int n, int rank)
    {
        double[] weighted = (double[])u.Clone();
        for (int i = 0; i < weighted.Length; i++)
            weighted[i] *= i % p < rank ? values[i % p] : 0;
        return Matrices.Product(weighted, v, m, p, n);
    }

    private static void AssertClose(double[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance, $"element {i} is {actual[i]:G17}, expected {expected[i]:G17}, tolerance {tolerance:G3}");
    }
}
