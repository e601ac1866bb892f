using System.Numerics;
using Decant.Engine.Kernels;
using Decant.Engine.LinearAlgebra;

namespace Decant.Engine.Tests.LinearAlgebra;

/// <summary>Matrices to test with, and plain definitions to compare with.</summary>
internal static class Matrices
{
    /// <summary>The levels that this processor runs.</summary>
    public static TheoryData<string> Levels => [.. InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name)];

    /// <summary>Normal numbers.</summary>
    public static double[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()))];
    }

    /// <summary>
    /// Matrices whose structure leads into corners: reductions of nearly dependent columns leave roundings of roundings behind, the squares of which vanish.
    /// </summary>
    public static IEnumerable<(string Name, double[] Elements)> Structured(int m, int n)
    {
        double[] noise = Normal(m * n, m + 7 * n);
        (string, Func<int, int, double>)[] kinds =
        [
            ("ones", (_, _) => 1),
            ("of rank one", (i, j) => (i + 1) * (j + 0.3)),
            ("Hilbert", (i, j) => 1.0 / (i + j + 1)),
            ("graded", (i, j) => Math.Pow(10, -(i + j)) * noise[i * n + j]),
            ("graded upwards", (i, j) => Math.Pow(10, (i + j) / 4.0 - 20) * noise[i * n + j]),
            ("shift", (i, j) => j == i + 1 ? 1 : 0),
            ("bidiagonal with zeros", (i, j) => i == j ? (i % 3 == 1 ? 0 : 1) : j == i + 1 ? 1 : 0),
            ("every second column zero", (i, j) => j % 2 == 0 ? 0 : noise[i * n + j]),
            ("first row large", (i, j) => i == 0 ? 1 : 1e-18 * noise[i * n + j]),
            ("identity but for roundings", (i, j) => (i == j ? 1 : 0) + 1e-15 * noise[i * n + j]),
            ("Wilkinson", (i, j) => i == j ? Math.Abs(i - m / 2) : Math.Abs(i - j) == 1 ? 1 : 0),
            ("Kahan", (i, j) => j < i ? 0 : Math.Pow(0.8, i) * (i == j ? 1 : -0.6)),
            ("upper triangle of −1", (i, j) => i == j ? 1 : j > i ? -1 : 0),
        ];
        foreach ((string name, Func<int, int, double> element) in kinds)
            yield return (name, [.. Enumerable.Range(0, m * n).Select(at => element(at / n, at % n))]);
    }

    /// <summary>In another precision.</summary>
    public static T[] Of<T>(double[] values)
        where T : unmanaged, INumber<T> => [.. values.Select(T.CreateTruncating)];

    /// <summary>Back.</summary>
    public static double[] Doubles<T>(T[] values)
        where T : unmanaged, INumber<T> => [.. values.Select(double.CreateTruncating)];

    /// <summary>A · B, element after element.</summary>
    public static double[] Product(double[] a, double[] b, int m, int k, int n)
    {
        var c = new double[m * n];
        for (int i = 0; i < m; i++)
        {
            for (int t = 0; t < k; t++)
            {
                for (int j = 0; j < n; j++)
                    c[i * n + j] += a[i * k + t] * b[t * n + j];
            }
        }
        return c;
    }

    /// <summary>Rows and columns exchanged.</summary>
    public static T[] Transposed<T>(T[] a, int rowCount, int columnCount)
    {
        var b = new T[a.Length];
        for (int i = 0; i < rowCount; i++)
        {
            for (int j = 0; j < columnCount; j++)
                b[j * rowCount + i] = a[i * columnCount + j];
        }
        return b;
    }

    /// <summary>The Frobenius norm.</summary>
    public static double Norm(double[] a) => Math.Sqrt(a.Sum(v => v * v));

    /// <summary>The Frobenius norm of the difference.</summary>
    public static double Distance(double[] a, double[] b)
    {
        Assert.Equal(a.Length, b.Length);
        return Norm([.. a.Zip(b, (x, y) => x - y)]);
    }

    /// <summary>How far AᵀA is from the identity.</summary>
    public static double DistanceFromOrthonormal(double[] a, int rowCount, int columnCount)
    {
        double[] gram = Product(Transposed(a, rowCount, columnCount), a, columnCount, rowCount, columnCount);
        for (int i = 0; i < columnCount; i++)
            gram[i * columnCount + i] -= 1;
        return Norm(gram);
    }

    /// <summary>A square or rectangular matrix of given singular values (m ≥ n), by two orthogonal factors from reflections.</summary>
    public static double[] WithSingularValues(int m, int n, double[] values, int seed)
    {
        var a = new double[m * n];
        for (int i = 0; i < n; i++)
            a[i * n + i] = values[i];
        foreach (int turn in new[] { 0, 1, 2 })
        {
            Reflect(Normal(m, seed + turn), (i, j) => ref a[i * n + j], m, n);
            Reflect(Normal(n, seed + 10 + turn), (j, i) => ref a[i * n + j], n, m);
        }
        return a;
    }

    private delegate ref double Element(int i, int j);

    private static void Reflect(double[] v, Element a, int length, int count)
    {
        double factor = 2 / v.Sum(x => x * x);
        for (int j = 0; j < count; j++)
        {
            double dot = 0;
            for (int i = 0; i < length; i++)
                dot += v[i] * a(i, j);
            for (int i = 0; i < length; i++)
                a(i, j) -= factor * dot * v[i];
        }
    }
}
