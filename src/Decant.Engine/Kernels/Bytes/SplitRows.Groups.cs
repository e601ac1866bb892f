using System.Runtime.CompilerServices;

namespace Decant.Engine.Kernels.Bytes;

// Long blocks: eight groups of 32 with a whole-number scale each, s of row r from −128 to 127. A group's sums are multiplied with it when they are joined:
//
//   group:  total of row r += s · low sum + 16 s · (high sum + start)
//   block:  sum of row r   += scale[r] · token scale · total
internal static unsafe partial class SplitRows<TBytes, TOps, TLayout, TBlock>
{
    private const int GroupCount = 8;

    // The widest vector's rows.
    private const int MostRows = 16;

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyGroups<TTokens>(
        byte* group, long groupByteCount, int blockCount, int* t0, int tokenWordCount, float* y, int yStride)
        where TTokens : struct, ITokenCount
    {
        ushort* halves = (ushort*)group;
        int* words = InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, blockCount, 0);
        int* t1 = t0 + tokenWordCount, t2 = t1 + tokenWordCount, t3 = t2 + tokenWordCount;
        int* factors = stackalloc int[GroupCount * MostRows];
        TBytes s0 = TOps.Zero, s1 = TOps.Zero, s2 = TOps.Zero, s3 = TOps.Zero;
        for (; blockCount > 0; blockCount--)
        {
            Prefetching.RequestLine((byte*)halves + groupByteCount);
            InterleavedRows<TBytes, TOps, TLayout, TBlock>.UnpackScales(words, halves, factors, TOps.Rows);
            TBytes g0 = TOps.Zero, g1 = TOps.Zero, g2 = TOps.Zero, g3 = TOps.Zero;
            for (int i = 0; i < GroupCount; i++)
            {
                RequestPart(words, i);
                TBytes l0 = TOps.Zero, h0 = TOps.Zero, l1 = TOps.Zero, h1 = TOps.Zero, l2 = TOps.Zero, h2 = TOps.Zero, l3 = TOps.Zero, h3 = TOps.Zero;
                AddStep<TTokens>(words, 0, i, 0, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                AddStep<TTokens>(words, 0, i, 1, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                AddStep<TTokens>(words, 0, i, 2, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                AddStep<TTokens>(words, 0, i, 3, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                AddStep<TTokens>(words, 0, i, 4, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                AddStep<TTokens>(words, 0, i, 5, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                AddStep<TTokens>(words, 0, i, 6, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                AddStep<TTokens>(words, 0, i, 7, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
                TBytes factor = TOps.Load(factors + i * TOps.Rows);
                TBytes sixteenfold = TOps.Join(TOps.Zero, factor, 4);
                g0 = AddGroup(g0, l0, h0, factor, sixteenfold, t0);
                if (TTokens.Count > 1)
                    g1 = AddGroup(g1, l1, h1, factor, sixteenfold, t1);
                if (TTokens.Count > 2)
                {
                    g2 = AddGroup(g2, l2, h2, factor, sixteenfold, t2);
                    g3 = AddGroup(g3, l3, h3, factor, sixteenfold, t3);
                }
                t0 += SplitActivations.GroupWordCount;
                t1 += SplitActivations.GroupWordCount;
                t2 += SplitActivations.GroupWordCount;
                t3 += SplitActivations.GroupWordCount;
            }
            TBytes scales = TOps.LoadHalves(halves);
            s0 = TOps.AddScaled(s0, g0, scales, *(float*)t0++);
            if (TTokens.Count > 1)
                s1 = TOps.AddScaled(s1, g1, scales, *(float*)t1++);
            if (TTokens.Count > 2)
            {
                s2 = TOps.AddScaled(s2, g2, scales, *(float*)t2++);
                s3 = TOps.AddScaled(s3, g3, scales, *(float*)t3++);
            }
            halves += InterleavedRows<TBytes, TOps, TLayout, TBlock>.HalvesLength;
            words += InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * TOps.Rows;
        }
        StoreSums<TTokens>(y, yStride, s0, s1, s2, s3);
    }

    // An eighth of the block's lines some way ahead, with every eighth of the work: all at once, the block's own loads would wait behind them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RequestPart(int* words, int part)
    {
        int lineCount = InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * TOps.Rows / 16;
        byte* start = (byte*)words + Prefetching.StreamDistance + (part * lineCount / GroupCount) * 64;
        for (int i = 0; i < (lineCount + GroupCount - 1) / GroupCount; i++)
            Prefetching.RequestLine(start + 64 * i);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes AddGroup(TBytes total, TBytes low, TBytes high, TBytes factor, TBytes sixteenfold, int* token)
    {
        total = TOps.AddWords(total, TOps.MultiplyPairs(low, factor));
        total = TOps.AddWords(total, TOps.MultiplyPairs(high, sixteenfold));
        return TOps.AddWords(total, TOps.MultiplyPairs(TOps.Broadcast(token + 16), sixteenfold));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DecodeGroups(int* words, ushort* halves, float* panel, int width)
    {
        TBytes scales = TOps.LoadHalves(halves);
        for (int half = 0; half < 2; half++)
        {
            TBytes four = TBlock.ReadLaneScales<TBytes, TOps>(words, halves, half);
            DecodeGroup(words, half, 0, TOps.ScaleByte(four, 0, scales), panel, width);
            DecodeGroup(words, half, 1, TOps.ScaleByte(four, 1, scales), panel + 32 * width, width);
            DecodeGroup(words, half, 2, TOps.ScaleByte(four, 2, scales), panel + 64 * width, width);
            DecodeGroup(words, half, 3, TOps.ScaleByte(four, 3, scales), panel + 96 * width, width);
            panel += 128 * width;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackGroups(int* words, ushort* halves, int* panel, int width)
    {
        TBytes scales = TOps.LoadHalves(halves);
        int step = WordActivations.LaneWordCount * width;
        for (int half = 0; half < 2; half++)
        {
            TBytes four = TBlock.ReadLaneScales<TBytes, TOps>(words, halves, half);
            UnpackGroup(words, half, 0, TOps.ScaleByte(four, 0, scales), panel, width);
            UnpackGroup(words, half, 1, TOps.ScaleByte(four, 1, scales), panel + step, width);
            UnpackGroup(words, half, 2, TOps.ScaleByte(four, 2, scales), panel + 2 * step, width);
            UnpackGroup(words, half, 3, TOps.ScaleByte(four, 3, scales), panel + 3 * step, width);
            panel += 4 * step;
        }
    }
}
