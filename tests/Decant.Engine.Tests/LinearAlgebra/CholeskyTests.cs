using System.Numerics;
using Decant.Core.Errors;
using Decant.Engine.LinearAlgebra;

namespace Decant.Engine.Tests.LinearAlgebra;

public class CholeskyTests
{
    public static TheoryData<string> Fixtures => LinearAlgebraFixture.Names("symmetric_");

    public static TheoryData<string> Levels => Matrices.Levels;

    [Fact]
    public void All_symmetric_fixtures_are_there()
    {
        Decant.Testing.SharedFiles.Require("fixtures", "methods", "linear_algebra", "case.json");
        Assert.Equal(8, Fixtures.Count);
    }

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void Fixtures_are_factored_inverted_and_solved(string file)
    {
        LinearAlgebraFixture fixture = LinearAlgebraFixture.Read(file);
        using var workspace = new Workspace(1);
        double[] a = fixture["a"];
        int n = fixture.RowCount("a");
        if (fixture.ExpectedFailure is not null)
        {
            // The Gram matrix of r tokens has rank r. The first r rows depend on each other to seven digits, so roundings decide at which of the
            // pivots after them it shows.
            double[] eigenvalues = fixture["eigenvalues"];
            int rank = eigenvalues.Count(v => v > 1e-10 * eigenvalues.Max());
            foreach (string level in Matrices.Levels.Select(row => row.Data))
            {
                using var other = new Workspace(1, level);
                Assert.False(Cholesky.TryFactor(other, Square((double[])a.Clone()), out int pivot));
                Assert.InRange(pivot, rank, n - 1);
                Assert.Contains($"pivot {pivot} ", Assert.Throws<NumericalException>(() => Cholesky.Factor(other, Square((double[])a.Clone()))).Message, StringComparison.Ordinal);
            }
            Assert.Throws<NumericalException>(() => Cholesky.UpperFactorOfInverse(workspace, Square((double[])a.Clone())));
            // Damped as GPTQ does, it has a factor.
            double damping = 0.01 * Enumerable.Range(0, n).Average(i => a[i * n + i]);
            for (int i = 0; i < n; i++)
                a[i * n + i] += damping;
            Cholesky.Factor(workspace, Square((double[])a.Clone()));
            return;
        }
        // The tolerances of case.json. "Entries to condition · 1e-15" is relative to the largest entry.
        double[] l = (double[])a.Clone();
        Cholesky.Factor(workspace, Square(l));
        AssertEntries(fixture["cholesky"], l, fixture.Condition * 1e-15);
        Assert.True(Matrices.Distance(Matrices.Product(l, Matrices.Transposed(l, n, n), n, n, n), a) <= 1e-14 * Matrices.Norm(a));

        double[] lowerInverse = (double[])l.Clone();
        Triangular.Invert(workspace, Square(lowerInverse), Triangle.Lower);
        AssertEntries(fixture["cholesky_inverse"], lowerInverse, fixture.Condition * 1e-15);

        double[] inverse = (double[])l.Clone();
        Cholesky.Invert(workspace, Square(inverse));
        AssertEntries(fixture["inverse"], inverse, fixture.Condition * 1e-15);

        double[] upper = (double[])a.Clone();
        Cholesky.UpperFactorOfInverse(workspace, Square(upper));
        AssertEntries(fixture["upper_factor_of_inverse"], upper, fixture.Condition * 1e-15);

        double[] x = fixture["b"];
        int columns = fixture.ColumnCount("b");
        Cholesky.Solve(workspace, Square(l), new MatrixSpan<double>(x, n, columns));
        AssertEntries(fixture["solution"], x, fixture.Condition * 1e-15);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Factors_of_any_size_multiply_to_the_matrix(string level)
    {
        foreach (int threads in new[] { 1, 3 })
        {
            using var workspace = new Workspace(threads, level);
            foreach (int n in new[] { 1, 2, 31, 32, 33, 64, 100, 257 })
            {
                CheckSize<double>(workspace, n, 1e-13);
                CheckSize<float>(workspace, n, 5e-5);
            }
        }
    }

    [Fact]
    public void Bytes_do_not_depend_on_the_number_of_threads()
    {
        const int N = 300;
        double[] a = PositiveDefinite(N);
        double[]? first = null;
        foreach (int threads in new[] { 1, 2, 3, 4 })
        {
            using var workspace = new Workspace(threads);
            double[] inverse = (double[])a.Clone();
            Cholesky.Factor(workspace, Square(inverse));
            Cholesky.Invert(workspace, Square(inverse));
            first ??= inverse;
            Assert.Equal(first, inverse);
        }
    }

    [Theory]
    [InlineData(5)]
    [InlineData(40)]
    [InlineData(150)]
    public void The_pivot_that_is_not_positive_is_named(int pivot)
    {
        const int N = 170;
        using var workspace = new Workspace(2);
        double[] a = PositiveDefinite(N);
        a[pivot * N + pivot] = -1;
        Assert.Contains($"pivot {pivot} ", Assert.Throws<NumericalException>(() => Cholesky.Factor(workspace, Square((double[])a.Clone()))).Message, StringComparison.Ordinal);
        Assert.False(Cholesky.TryFactor(workspace, Square((double[])a.Clone()), out int found));
        Assert.Equal(pivot, found);
        Assert.False(Cholesky.TryUpperFactorOfInverse(workspace, Square((double[])a.Clone()), out found));
        Assert.Equal(pivot, found);
    }

    [Fact]
    public void Elements_that_are_not_finite_are_named_and_the_upper_half_is_not_read()
    {
        using var workspace = new Workspace(1);
        foreach (double bad in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
        {
            double[] a = PositiveDefinite(20);
            a[13 * 20 + 7] = bad;
            Assert.Contains("row 13, column 7", Assert.Throws<NumericalException>(() => Cholesky.Factor(workspace, Square(a))).Message, StringComparison.Ordinal);
        }
        double[] sound = PositiveDefinite(70), halved = (double[])sound.Clone();
        for (int i = 0; i < 70; i++)
            halved.AsSpan(i * 70 + i + 1, 70 - i - 1).Fill(double.NaN);
        double[] halvedAgain = (double[])halved.Clone(), upper = (double[])sound.Clone();
        Cholesky.Factor(workspace, Square(sound));
        Cholesky.Factor(workspace, Square(halved));
        Assert.Equal(sound, halved);
        Cholesky.UpperFactorOfInverse(workspace, Square(upper));
        Cholesky.UpperFactorOfInverse(workspace, Square(halvedAgain));
        Assert.Equal(upper, halvedAgain);
    }

    [Fact]
    public void Zero_and_empty_matrices_and_wrong_shapes()
    {
        using var workspace = new Workspace(1);
        Assert.Throws<NumericalException>(() => Cholesky.Factor(workspace, Square(new double[9])));
        Cholesky.Factor(workspace, new MatrixSpan<double>([], 0, 0));
        Cholesky.Invert(workspace, new MatrixSpan<double>([], 0, 0));
        Cholesky.UpperFactorOfInverse(workspace, new MatrixSpan<double>([], 0, 0));
        Assert.Throws<ArgumentException>(() => Cholesky.Factor(workspace, new MatrixSpan<double>(new double[6], 2, 3)));
        Assert.Throws<ArgumentException>(() => Cholesky.Solve(workspace, Square(new double[4]), new MatrixSpan<double>(new double[3], 3, 1)));
    }

    private static void CheckSize<T>(Workspace workspace, int n, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        double[] a = PositiveDefinite(n);
        T[] l = Matrices.Of<T>(a), upper = Matrices.Of<T>(a);
        Cholesky.Factor(workspace, new MatrixSpan<T>(l, n, n));
        double[] factor = Matrices.Doubles(l);
        Assert.True(Matrices.Distance(Matrices.Product(factor, Matrices.Transposed(factor, n, n), n, n, n), a) <= tolerance * Matrices.Norm(a), $"n = {n}");
        T[] inverse = (T[])l.Clone();
        Cholesky.Invert(workspace, new MatrixSpan<T>(inverse, n, n));
        double[] product = Matrices.Product(Matrices.Doubles(inverse), a, n, n, n);
        Cholesky.UpperFactorOfInverse(workspace, new MatrixSpan<T>(upper, n, n));
        double[] u = Matrices.Doubles(upper);
        double[] other = Matrices.Product(Matrices.Product(Matrices.Transposed(u, n, n), u, n, n, n), a, n, n, n);
        double[] identity = new double[n * n];
        for (int i = 0; i < n; i++)
        {
            identity[i * n + i] = 1;
            Assert.All(u[(i * n)..(i * n + i)], v => Assert.Equal(0, v));
            Assert.All(factor[(i * n + i + 1)..(i * n + n)], v => Assert.Equal(0, v));
        }
        Assert.True(Matrices.Distance(product, identity) <= 20 * tolerance * n, $"n = {n}: {Matrices.Distance(product, identity)}");
        Assert.True(Matrices.Distance(other, identity) <= 20 * tolerance * n, $"n = {n}: {Matrices.Distance(other, identity)}");
    }

    private static double[] PositiveDefinite(int n)
    {
        double[] x = Matrices.Normal(2 * n * n, n);
        double[] a = Matrices.Product(Matrices.Transposed(x, 2 * n, n), x, n, 2 * n, n);
        for (int i = 0; i < n; i++)
            a[i * n + i] += 1;
        return a;
    }

    private static MatrixSpan<double> Square(double[] a) => new(a, (int)Math.Sqrt(a.Length), (int)Math.Sqrt(a.Length));

    private static void AssertEntries(double[] expected, double[] actual, double tolerance)
    {
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.True(Math.Abs(expected[i] - actual[i]) <= tolerance * largest, $"element {i}: expected {expected[i]:G17}, got {actual[i]:G17}, tolerance {tolerance:G3} of {largest:G3}");
    }
}
