using System.Numerics;
using Decant.Engine.Kernels;
using Decant.Engine.LinearAlgebra;
using Decant.Engine.Tests.Kernels;

namespace Decant.Engine.Tests.LinearAlgebra;

public unsafe class MatrixArithmeticTests
{
    public static TheoryData<string> Levels => Matrices.Levels;

    [Theory]
    [MemberData(nameof(Levels))]
    public void Vector_functions_compute_their_formulas_and_touch_nothing_else(string level)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "guarded pages are made by mmap");
        Check<float>(InstructionSet.Find(level), 1e-5);
        Check<double>(InstructionSet.Find(level), 1e-14);
    }

    [Theory]
    [MemberData(nameof(Levels))]
    public void Largest_magnitudes_tell_of_elements_that_are_not_finite(string level)
    {
        MatrixArithmetic<double> arithmetic = MatrixArithmetic<double>.For(InstructionSet.Find(level));
        foreach (double bad in new[] { double.NaN, double.PositiveInfinity, double.NegativeInfinity })
        {
            for (int at = 0; at < 37; at++)
            {
                double[] x = Matrices.Normal(37, 1);
                x[at] = bad;
                fixed (double* p = x)
                    Assert.Equal(double.NaN, arithmetic.LargestMagnitude(p, 37));
            }
        }
    }

    private static void Check<T>(InstructionSet set, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        MatrixArithmetic<T> arithmetic = MatrixArithmetic<T>.For(set);
        using GuardedPages xs = new(4096), ys = new(4096);
        for (int count = 0; count <= 140; count++)
        {
            double[] a = Matrices.Normal(count, count), b = Matrices.Normal(count, count + 1000);
            T* x = (T*)xs.Last(count * sizeof(T)), y = (T*)ys.Last(count * sizeof(T));
            for (int i = 0; i < count; i++)
            {
                x[i] = T.CreateTruncating(a[i]);
                y[i] = T.CreateTruncating(b[i]);
            }
            double bound = tolerance * Math.Max(1, count);
            Assert.Equal(a.Zip(b, (v, w) => v * w).Sum(), double.CreateTruncating(arithmetic.Dot(x, y, count)), bound);
            Assert.Equal(a.Select(Math.Abs).DefaultIfEmpty(0).Max(), double.CreateTruncating(arithmetic.LargestMagnitude(x, count)), tolerance);
            arithmetic.AddScaled(y, x, T.CreateTruncating(0.5), count);
            for (int i = 0; i < count; i++)
                Assert.Equal(b[i] + 0.5 * a[i], double.CreateTruncating(y[i]), tolerance);
            arithmetic.CopyScaled(x, T.CreateTruncating(-2), y, count);
            for (int i = 0; i < count; i++)
                Assert.Equal(-2 * a[i], double.CreateTruncating(y[i]), tolerance);
            arithmetic.Widen((ushort*)xs.Last(count * sizeof(ushort)), y, count);
            for (int i = 0; i < count; i++)
                Assert.Equal(BitConverter.UInt32BitsToSingle((uint)((ushort*)xs.Last(count * sizeof(ushort)))[i] << 16), float.CreateTruncating(y[i]));
        }
        foreach (int count in new[] { 1, 3, 8, 31, 70 })
            CheckRotations(arithmetic, ys, count, tolerance);
    }

    private static void CheckRotations<T>(MatrixArithmetic<T> arithmetic, GuardedPages memory, int count, double tolerance)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        const int Rotations = 4;
        double[] expected = Matrices.Normal((Rotations + 1) * count, count), angles = Matrices.Normal(Rotations, 5);
        T[] cosines = Matrices.Of<T>([.. angles.Select(Math.Cos)]), sines = Matrices.Of<T>([.. angles.Select(Math.Sin)]);
        T* rows = (T*)memory.Last(expected.Length * sizeof(T));
        for (int i = 0; i < expected.Length; i++)
            rows[i] = T.CreateTruncating(expected[i]);
        for (int i = 0; i < Rotations; i++)
        {
            for (int j = i * count; j < (i + 1) * count; j++)
                (expected[j], expected[j + count]) = (Math.Cos(angles[i]) * expected[j] + Math.Sin(angles[i]) * expected[j + count], Math.Cos(angles[i]) * expected[j + count] - Math.Sin(angles[i]) * expected[j]);
        }
        fixed (T* c = cosines, s = sines)
            arithmetic.RotateRows(rows, count, count, c, s, Rotations);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], double.CreateTruncating(rows[i]), 10 * tolerance);
    }
}
