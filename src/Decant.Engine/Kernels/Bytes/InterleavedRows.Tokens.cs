using System.Runtime.CompilerServices;

namespace Decant.Engine.Kernels.Bytes;

// One to eight tokens of blocks of 32: codes are taken apart in registers once for as many as four tokens, without a panel in memory, which for so few would
// cost as much as the product. Additions come in the same order for any number.
internal static unsafe partial class InterleavedRows<TBytes, TOps, TLayout, TBlock>
{
    /// <summary>The most tokens that <see cref="MultiplyTokens"/> is for: blocks of 32; in long blocks, taking apart what codes and scales consist of costs more than a panel.</summary>
    public static int MostTokens => TLayout.BlockLength == 32 ? 8 : 1;

    /// <summary>The products of the rows of one group with some tokens.</summary>
    /// <param name="group">The group.</param>
    /// <param name="groupByteCount">Bytes of a group.</param>
    /// <param name="blockCount">Blocks of a row.</param>
    /// <param name="tile">The first token's activations, as a tile of one.</param>
    /// <param name="tileStride">Words between tokens.</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="scratch"><see cref="ScratchWordCount"/> words.</param>
    /// <param name="y">The first token's results, a number for every row.</param>
    /// <param name="yStride">Elements between tokens of y.</param>
    public static void MultiplyTokens(
        byte* group, long groupByteCount, int blockCount, int* tile, long tileStride, int tokenCount, int* scratch, float* y, int yStride)
    {
        int token = 0;
        for (; TLayout.BlockLength == 32 && TOps.HasManyRegisters && token <= tokenCount - 4; token += 4)
            MultiplyShort<FourTokens>(group, groupByteCount, blockCount, tile + token * tileStride, tileStride, y + (long)token * yStride, yStride);
        for (; TLayout.BlockLength == 32 && token <= tokenCount - 2; token += 2)
            MultiplyShort<TwoTokens>(group, groupByteCount, blockCount, tile + token * tileStride, tileStride, y + (long)token * yStride, yStride);
        for (; token < tokenCount; token++)
            Multiply(group, groupByteCount, blockCount, tile + token * tileStride, scratch, y + (long)token * yStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyShort<TTokens>(byte* group, long groupByteCount, int blockCount, int* tile, long tileStride, float* y, int yStride)
        where TTokens : struct, ITokenCount
    {
        ushort* halves = (ushort*)group;
        int* words = Words(group, blockCount, 0);
        int* t0 = tile, t1 = tile + tileStride, t2 = t1 + tileStride, t3 = t2 + tileStride;
        TBytes s0 = TOps.Zero, s1 = TOps.Zero, s2 = TOps.Zero, s3 = TOps.Zero;
        for (; blockCount > 0; blockCount--)
        {
            RequestAhead(words, halves, groupByteCount);
            TBytes a0 = Start(t0 + 8), a1 = TTokens.Count > 1 ? Start(t1 + 8) : a0;
            TBytes a2 = TTokens.Count > 2 ? Start(t2 + 8) : a0, a3 = TTokens.Count > 2 ? Start(t3 + 8) : a0;
            AddSteps<TTokens>(words, 0, t0, t1, t2, t3, ref a0, ref a1, ref a2, ref a3);
            AddSteps<TTokens>(words, 4, t0 + 4, t1 + 4, t2 + 4, t3 + 4, ref a0, ref a1, ref a2, ref a3);
            int end = ByteTile<TBytes, TOps, TLayout>.HasStarts ? 9 : 8;
            TBytes scales = Scales(halves);
            TBytes offsets = TLayout.HasOffsets ? Offsets(halves) : scales;
            s0 = AddShort(s0, a0, scales, offsets, (float*)(t0 + end));
            if (TTokens.Count > 1)
                s1 = AddShort(s1, a1, scales, offsets, (float*)(t1 + end));
            if (TTokens.Count > 2)
            {
                s2 = AddShort(s2, a2, scales, offsets, (float*)(t2 + end));
                s3 = AddShort(s3, a3, scales, offsets, (float*)(t3 + end));
            }
            end += TLayout.HasOffsets ? 2 : 1;
            t0 += end;
            t1 += end;
            t2 += end;
            t3 += end;
            halves += HalvesLength;
            words += WordCount * TOps.Rows;
        }
        TOps.Store(y, s0);
        if (TTokens.Count > 1)
            TOps.Store(y + yStride, s1);
        if (TTokens.Count > 2)
        {
            TOps.Store(y + 2L * yStride, s2);
            TOps.Store(y + 3L * yStride, s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes AddShort(TBytes sum, TBytes sums, TBytes scales, TBytes offsets, float* token)
    {
        sum = TOps.AddScaled(sum, TOps.JoinSums(sums), scales, token[0]);
        return TLayout.HasOffsets ? TOps.AddProducts(sum, offsets, token[1]) : sum;
    }

    // Four words of codes; the step is a constant wherever this is inlined.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSteps<TTokens>(
        int* words, int step, int* t0, int* t1, int* t2, int* t3, ref TBytes a0, ref TBytes a1, ref TBytes a2, ref TBytes a3)
        where TTokens : struct, ITokenCount
    {
        AddStep<TTokens>(Codes(words, 0, 0, step), t0, t1, t2, t3, ref a0, ref a1, ref a2, ref a3);
        AddStep<TTokens>(Codes(words, 0, 0, step + 1), t0 + 1, t1 + 1, t2 + 1, t3 + 1, ref a0, ref a1, ref a2, ref a3);
        AddStep<TTokens>(Codes(words, 0, 0, step + 2), t0 + 2, t1 + 2, t2 + 2, t3 + 2, ref a0, ref a1, ref a2, ref a3);
        AddStep<TTokens>(Codes(words, 0, 0, step + 3), t0 + 3, t1 + 3, t2 + 3, t3 + 3, ref a0, ref a1, ref a2, ref a3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddStep<TTokens>(TBytes codes, int* t0, int* t1, int* t2, int* t3, ref TBytes a0, ref TBytes a1, ref TBytes a2, ref TBytes a3)
        where TTokens : struct, ITokenCount
    {
        a0 = TOps.Accumulate(a0, codes, TOps.Broadcast(t0));
        if (TTokens.Count > 1)
            a1 = TOps.Accumulate(a1, codes, TOps.Broadcast(t1));
        if (TTokens.Count > 2)
        {
            a2 = TOps.Accumulate(a2, codes, TOps.Broadcast(t2));
            a3 = TOps.Accumulate(a3, codes, TOps.Broadcast(t3));
        }
    }
}
