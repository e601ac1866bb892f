using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Decant.Engine;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Lab.KernelSpeed;

/// <summary>
/// What repacking Q4_0 at load would give for one token: 16 rows side by side, a block is 16 half-precision scales and 4 vectors of nibbles (288 bytes, as many
/// as the stored rows have), no sums across lanes. AVX-512.
/// </summary>
internal static unsafe class InterleavedPanels
{
    public static string Compare(WorkerPool pool)
    {
        if (!Avx512BW.IsSupported)
            return "Interleaved panels: this processor has no AVX-512.";
        const int Columns = 2048, Blocks = Columns / 32;
        const long PanelByteCount = Blocks * 288L;
        int panels = (int)((512L << 20) / PanelByteCount);
        using var weights = new AlignedBuffer(panels * PanelByteCount, "weights", "");
        new Span<byte>(weights.Pointer, 1 << 20).Fill(0x11);
        for (long i = 1 << 20; i < weights.ByteCount; i++)
            weights.Pointer[i] = 0x11;
        using var activations = new AlignedBuffer(Columns, "activations", "", clear: true);
        using var starts = new AlignedBuffer(Blocks * 4, "starts", "", clear: true);
        using var scales = new AlignedBuffer(Blocks * 4, "scales", "", clear: true);
        using var results = new AlignedBuffer(panels * 64L, "results", "");
        var work = new Work((nint)weights.Pointer, PanelByteCount, panels, (nint)activations.Pointer, (nint)starts.Pointer, (nint)scales.Pointer, (nint)results.Pointer, pool.ThreadCount);
        double[] seconds = Matrices.Rates(7, 1, () => pool.Run(pool.ThreadCount, work));
        var cached = new Work((nint)weights.Pointer, PanelByteCount, 16 * pool.ThreadCount, (nint)activations.Pointer, (nint)starts.Pointer, (nint)scales.Pointer, (nint)results.Pointer, pool.ThreadCount);
        double[] fromCache = Matrices.Rates(40, 20, () => pool.Run(pool.ThreadCount, cached));
        double bytes = panels * PanelByteCount / 1e9;
        return string.Create(CultureInfo.InvariantCulture, $"Q4_0 repacked into interleaved panels, {Columns} columns, one token: {bytes / seconds[seconds.Length / 2]:F1} GB/s median, {bytes / seconds[^1]:F1} best from memory; {16 * pool.ThreadCount * PanelByteCount / 1e9 / fromCache[^1]:F1} from L2");
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Multiply(byte* panel, sbyte* x, int* starts, float* scales, int blockCount, float* y)
    {
        Vector512<float> sum = Vector512<float>.Zero;
        Vector512<byte> mask = Vector512.Create((byte)15);
        for (int block = 0; block < blockCount; block++)
        {
            Sse.Prefetch0(panel + 4096);
            Sse.Prefetch0(panel + 4096 + 64);
            Sse.Prefetch0(panel + 4096 + 128);
            Sse.Prefetch0(panel + 4096 + 192);
            Vector512<byte> even = Vector512.Create(starts[block]).AsByte(), odd = Vector512<byte>.Zero;
            for (int i = 0; i < 4; i++)
            {
                Vector512<byte> nibbles = Vector512.Load(panel + 32 + 64 * i);
                even = ByteOps512.Accumulate(even, nibbles & mask, ByteOps512.Broadcast(x + 4 * i));
                odd = ByteOps512.Accumulate(odd, Vector512.ShiftRightLogical(nibbles.AsUInt16(), 4).AsByte() & mask, ByteOps512.Broadcast(x + 16 + 4 * i));
            }
            Vector512<int> dot = ByteOps512.JoinSums(Avx512BW.Add(even.AsInt16(), odd.AsInt16()).AsByte()).AsInt32();
            Vector512<int> bits = Vector512.ShiftLeft(Avx512F.ConvertToVector512Int32(Vector256.Load((short*)panel)), 13) & Vector512.Create(unchecked((int)0x8fffe000));
            Vector512<float> scale = bits.AsSingle() * Vector512.Create(5.192296858534828e33f * scales[block]);
            sum = Vector512.FusedMultiplyAdd(Avx512F.ConvertToVector512Single(dot), scale, sum);
            panel += 288;
            x += 32;
        }
        sum.Store(y);
    }

    private readonly struct Work(nint weights, long panelByteCount, int panels, nint x, nint starts, nint scales, nint y, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            for (int panel = panels * part / parts; panel < panels * (part + 1) / parts; panel++)
                Multiply((byte*)weights + panel * panelByteCount, (sbyte*)x, (int*)starts, (float*)scales, (int)(panelByteCount / 288), (float*)y + panel * 16);
        }
    }
}
