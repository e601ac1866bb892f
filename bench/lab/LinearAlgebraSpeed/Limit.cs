using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine;

/// <summary>The multiply-add limit of this processor in single precision: chains of independent multiply-adds that touch no memory.</summary>
internal static class Limit
{
    private const int RepetitionCount = 100_000;
    private const int ChainCount = 12;

    // A tenth of a second: a thread that slept, or shared its core at first, has long been at work by then.
    private const int MeasurementCount = 400;

    /// <summary>GFLOP/s of all threads of a pool together, the best of several short measurements.</summary>
    public static double Measure(WorkerPool pool)
    {
        double best = 0;
        for (int i = 0; i < MeasurementCount; i++)
        {
            long start = Stopwatch.GetTimestamp();
            pool.Run(pool.ThreadCount, new Work());
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            int lanes = Vector512.IsHardwareAccelerated ? Vector512<float>.Count : Vector256<float>.Count;
            best = Math.Max(best, 2.0 * RepetitionCount * ChainCount * lanes * pool.ThreadCount / seconds / 1e9);
        }
        return best;
    }

    // Of their own, so that no call keeps the sums out of registers.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Wide()
    {
        Vector512<float> x = Vector512.Create(1e-9f), a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int n = 0; n < RepetitionCount; n++)
        {
            a = Vector512.FusedMultiplyAdd(x, x, a);
            b = Vector512.FusedMultiplyAdd(x, x, b);
            c = Vector512.FusedMultiplyAdd(x, x, c);
            d = Vector512.FusedMultiplyAdd(x, x, d);
            e = Vector512.FusedMultiplyAdd(x, x, e);
            f = Vector512.FusedMultiplyAdd(x, x, f);
            g = Vector512.FusedMultiplyAdd(x, x, g);
            h = Vector512.FusedMultiplyAdd(x, x, h);
            i = Vector512.FusedMultiplyAdd(x, x, i);
            j = Vector512.FusedMultiplyAdd(x, x, j);
            k = Vector512.FusedMultiplyAdd(x, x, k);
            l = Vector512.FusedMultiplyAdd(x, x, l);
        }
        return Vector512.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static float Narrow()
    {
        Vector256<float> x = Vector256.Create(1e-9f), a = x, b = x, c = x, d = x, e = x, f = x, g = x, h = x, i = x, j = x, k = x, l = x;
        for (int n = 0; n < RepetitionCount; n++)
        {
            a = Vector256.FusedMultiplyAdd(x, x, a);
            b = Vector256.FusedMultiplyAdd(x, x, b);
            c = Vector256.FusedMultiplyAdd(x, x, c);
            d = Vector256.FusedMultiplyAdd(x, x, d);
            e = Vector256.FusedMultiplyAdd(x, x, e);
            f = Vector256.FusedMultiplyAdd(x, x, f);
            g = Vector256.FusedMultiplyAdd(x, x, g);
            h = Vector256.FusedMultiplyAdd(x, x, h);
            i = Vector256.FusedMultiplyAdd(x, x, i);
            j = Vector256.FusedMultiplyAdd(x, x, j);
            k = Vector256.FusedMultiplyAdd(x, x, k);
            l = Vector256.FusedMultiplyAdd(x, x, l);
        }
        return Vector256.Sum(a + b + c + d + e + f + g + h + i + j + k + l);
    }

    private readonly struct Work : IParallelWork
    {
        public void Run(int part) => _ = Vector512.IsHardwareAccelerated ? Wide() : Narrow();
    }
}
