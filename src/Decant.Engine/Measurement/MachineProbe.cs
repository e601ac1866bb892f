using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Measurement;

/// <summary>Loops that do nothing but keep one part of the processor busy.</summary>
internal abstract unsafe class MachineProbe
{
    // Some milliseconds: long enough that every thread has begun before the first is done.
    protected const int RoundCount = 1_000_000;

    // Chains that do not depend on one another: enough to cover the latency of two units.
    protected const int ChainCount = 12;

    private static long sink;

    /// <summary>Operations of one call of <see cref="RunSingles"/>.</summary>
    public abstract double SingleOperationCount { get; }

    /// <summary>Operations of one call of <see cref="RunBytes"/>; 0 if there is nothing to run.</summary>
    public abstract double ByteOperationCount { get; }

    /// <summary>Fused multiply–adds in registers.</summary>
    public abstract void RunSingles();

    /// <summary>Whole-number multiply–adds in registers.</summary>
    public abstract void RunBytes();

    /// <summary>Reads memory with the widest vectors.</summary>
    /// <param name="start">First byte, aligned to 64.</param>
    /// <param name="byteCount">A multiple of 256.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Read(byte* start, long byteCount)
    {
        Vector512<long> a = Vector512<long>.Zero, b = a, c = a, d = a;
        for (long i = 0; i < byteCount; i += 256)
        {
            a |= Vector512.Load((long*)(start + i));
            b |= Vector512.Load((long*)(start + i + 64));
            c |= Vector512.Load((long*)(start + i + 128));
            d |= Vector512.Load((long*)(start + i + 192));
        }
        Keep(Vector512.Sum((a | b) | (c | d)));
    }

    /// <summary>Uses a result, so that the loop that made it is not left out.</summary>
    protected static void Keep(long value) => Volatile.Write(ref sink, value);
}

/// <summary>The loops on one vector width.</summary>
internal sealed unsafe class MachineProbe<TVector, TOps, TBytes, TByteOps> : MachineProbe
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TBytes : struct
    where TByteOps : struct, IByteOps<TBytes>
{
    public override double SingleOperationCount => 2.0 * RoundCount * ChainCount * TOps.Lanes;

    public override double ByteOperationCount => 2.0 * RoundCount * ChainCount * 4 * TByteOps.Rows;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RunSingles()
    {
        TVector x = TOps.Create(0.999f), y = TOps.Create(0.001f);
        TVector a0 = x, a1 = x, a2 = x, a3 = x, a4 = x, a5 = x, a6 = x, a7 = x, a8 = x, a9 = x, a10 = x, a11 = x;
        for (int i = 0; i < RoundCount; i++)
        {
            a0 = TOps.MultiplyAdd(a0, x, y);
            a1 = TOps.MultiplyAdd(a1, x, y);
            a2 = TOps.MultiplyAdd(a2, x, y);
            a3 = TOps.MultiplyAdd(a3, x, y);
            a4 = TOps.MultiplyAdd(a4, x, y);
            a5 = TOps.MultiplyAdd(a5, x, y);
            a6 = TOps.MultiplyAdd(a6, x, y);
            a7 = TOps.MultiplyAdd(a7, x, y);
            a8 = TOps.MultiplyAdd(a8, x, y);
            a9 = TOps.MultiplyAdd(a9, x, y);
            a10 = TOps.MultiplyAdd(a10, x, y);
            a11 = TOps.MultiplyAdd(a11, x, y);
        }
        TVector sum = TOps.Add(TOps.Add(TOps.Add(a0, a1), TOps.Add(a2, a3)), TOps.Add(TOps.Add(a4, a5), TOps.Add(a6, a7)));
        Keep((long)TOps.Sum(TOps.Add(sum, TOps.Add(TOps.Add(a8, a9), TOps.Add(a10, a11)))));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public override void RunBytes()
    {
        int word = 0x01010101;
        TBytes x = TByteOps.Broadcast(&word), y = x;
        TBytes a0 = TByteOps.Zero, a1 = a0, a2 = a0, a3 = a0, a4 = a0, a5 = a0, a6 = a0, a7 = a0, a8 = a0, a9 = a0, a10 = a0, a11 = a0;
        for (int i = 0; i < RoundCount; i++)
        {
            // Each product reads another chain's sum, or it would be taken out of the loop.
            a0 = TByteOps.Accumulate(a0, x, a1);
            a1 = TByteOps.Accumulate(a1, x, a2);
            a2 = TByteOps.Accumulate(a2, x, a3);
            a3 = TByteOps.Accumulate(a3, x, a4);
            a4 = TByteOps.Accumulate(a4, x, a5);
            a5 = TByteOps.Accumulate(a5, x, a6);
            a6 = TByteOps.Accumulate(a6, x, a7);
            a7 = TByteOps.Accumulate(a7, x, a8);
            a8 = TByteOps.Accumulate(a8, x, a9);
            a9 = TByteOps.Accumulate(a9, x, a10);
            a10 = TByteOps.Accumulate(a10, x, a11);
            a11 = TByteOps.Accumulate(a11, x, y);
        }
        TBytes sum = TByteOps.AddWords(TByteOps.AddWords(TByteOps.AddWords(a0, a1), TByteOps.AddWords(a2, a3)), TByteOps.AddWords(TByteOps.AddWords(a4, a5), TByteOps.AddWords(a6, a7)));
        sum = TByteOps.AddWords(sum, TByteOps.AddWords(TByteOps.AddWords(a8, a9), TByteOps.AddWords(a10, a11)));
        byte* bytes = stackalloc byte[64];
        TByteOps.Store(bytes, sum);
        Keep(*(long*)bytes);
    }
}

/// <summary>A machine without vectors: single precision only.</summary>
internal sealed class ScalarMachineProbe : MachineProbe
{
    private readonly MachineProbe<float, ScalarOps, Vector128<byte>, ByteOps128> inner = new();

    public override double SingleOperationCount => inner.SingleOperationCount;

    public override double ByteOperationCount => 0;

    public override void RunSingles() => inner.RunSingles();

    public override void RunBytes()
    {
    }
}
