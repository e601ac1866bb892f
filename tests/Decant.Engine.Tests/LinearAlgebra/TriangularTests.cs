using System.Numerics;
using Decant.Core.Errors;
using Decant.Engine.LinearAlgebra;

namespace Decant.Engine.Tests.LinearAlgebra;

public class TriangularTests
{
    public static TheoryData<string> Levels => Matrices.Levels;

    [Theory]
    [MemberData(nameof(Levels))]
    public void Every_form_of_a_triangle_is_solved_from_both_sides(string level)
    {
        foreach (int threads in new[] { 1, 3 })
        {
            using var workspace = new Workspace(threads, level);
            foreach ((int n, int m) in new[] { (1, 1), (5, 3), (32, 7), (33, 100), (90, 1), (130, 40) })
            {
                CheckForms<double>(workspace, n, m, 1e-12);
                CheckForms<float>(workspace, n, m, 5e-4);
            }
        }
    }

    [Fact]
    public void Zeros_on_the_diagonal_are_named_unless_it_is_taken_as_ones()
    {
        using var workspace = new Workspace(1);
        double[] a = [1, 0, 0, 2, 0, 0, 3, 4, 5], b = [1, 2, 3];
        Assert.Contains("at 1", Assert.Throws<NumericalException>(() => Triangular.SolveLeft(workspace, new(a, 3, 3), Triangle.Lower, new MatrixSpan<double>(b, 3, 1))).Message, StringComparison.Ordinal);
        Triangular.SolveLeft(workspace, new(a, 3, 3), Triangle.Lower, new MatrixSpan<double>(b, 3, 1), hasUnitDiagonal: true);
        Assert.Equal([1, 0, 0], b);
        a[4] = double.NaN;
        Assert.Throws<NumericalException>(() => Triangular.Invert(workspace, new MatrixSpan<double>(a, 3, 3), Triangle.Lower));
        Assert.Throws<ArgumentException>(() => Triangular.SolveRight(workspace, new(a, 3, 3), Triangle.Lower, new MatrixSpan<double>(b, 3, 1)));
        Triangular.SolveLeft<double>(workspace, new([], 0, 0), Triangle.Upper, new MatrixSpan<double>([], 0, 4));
        Triangular.SolveLeft<double>(workspace, new([1.0], 1, 1), Triangle.Upper, new MatrixSpan<double>([], 1, 0));
    }

    private static void CheckForms<T>(Workspace workspace, int n, int m, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        foreach (Triangle triangle in new[] { Triangle.Lower, Triangle.Upper })
        {
            foreach (bool hasUnitDiagonal in new[] { false, true })
            {
                // What does not count is NaN; small elements beside the diagonal keep the equations well conditioned.
                double[] values = Matrices.Normal(n * n, n), stored = (double[])values.Clone();
                for (int i = 0; i < n; i++)
                {
                    for (int j = 0; j < n; j++)
                    {
                        bool counts = triangle == Triangle.Lower ? j <= i : j >= i;
                        double value = i == j ? 2 + values[i * n + j] * values[i * n + j] : values[i * n + j] / n;
                        stored[i * n + j] = counts && !(i == j && hasUnitDiagonal) ? value : double.NaN;
                        values[i * n + j] = !counts ? 0 : i == j && hasUnitDiagonal ? 1 : double.CreateTruncating(T.CreateTruncating(value));
                    }
                }
                double[] right = Matrices.Normal(n * m, m);
                foreach (bool isTurned in new[] { false, true })
                {
                    T[] memory = Matrices.Of<T>(isTurned ? Matrices.Transposed(stored, n, n) : stored);
                    var a = new ReadOnlyMatrixSpan<T>(memory, n, n);
                    T[] x = Matrices.Of<T>(right), z = Matrices.Of<T>(Matrices.Transposed(right, n, m));
                    double[] b = Matrices.Doubles(x);
                    Triangular.SolveLeft(workspace, isTurned ? a.Transposed : a, triangle, new MatrixSpan<T>(x, n, m), hasUnitDiagonal);
                    Assert.True(Matrices.Distance(Matrices.Product(values, Matrices.Doubles(x), n, n, m), b) <= tolerance * Matrices.Norm(b), $"{n} {m} {triangle} {isTurned} left");
                    Triangular.SolveRight(workspace, isTurned ? a.Transposed : a, triangle, new MatrixSpan<T>(z, m, n), hasUnitDiagonal);
                    Assert.True(Matrices.Distance(Matrices.Product(Matrices.Doubles(z), values, m, n, n), Matrices.Transposed(b, n, m)) <= tolerance * Matrices.Norm(b), $"{n} {m} {triangle} {isTurned} right");
                }
                if (hasUnitDiagonal)
                    continue;
                T[] inverse = Matrices.Of<T>(stored);
                Triangular.Invert(workspace, new MatrixSpan<T>(inverse, n, n), triangle);
                double[] whole = [.. Matrices.Doubles(inverse).Select(v => double.IsNaN(v) ? 0 : v)];
                double[] product = Matrices.Product(whole, values, n, n, n);
                for (int i = 0; i < n; i++)
                    product[i * n + i] -= 1;
                Assert.True(Matrices.Norm(product) <= tolerance * n, $"{n} {triangle} inverse");
            }
        }
    }
}
