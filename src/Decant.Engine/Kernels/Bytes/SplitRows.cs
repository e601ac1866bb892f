using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Rows side by side (<see cref="InterleavedRows{TBytes, TOps, TLayout, TBlock}"/>) whose codes have 8 bits, on processors whose sums have 16. Products with
/// few tokens use each code twice, with either part of the activation (<see cref="SplitActivations"/>):
/// <code>
///   lane r:  low sum  += code[c] · low[c]  + code[c + 1] · low[c + 1]      twice 16 bits, four columns a word
///            high sum += code[c] · high[c] + code[c + 1] · high[c + 1]
///   block:   sum of row r += scale[r] · token scale · (low sum + 16 · high sum − 128 · Σ a)
/// </code>
/// For many tokens the rows are decoded into panels of single precision: a lane a row there too, so nothing has to be turned.
/// </summary>
internal static unsafe partial class SplitRows<TBytes, TOps, TLayout, TBlock>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TLayout : struct, IPanelLayout
    where TBlock : struct, ICodeBlock
{
    /// <summary>
    /// More tokens than this do better in single precision: sooner where codes are looked up in a table, again for every four tokens, than where they are bytes as
    /// they lie. With 16 registers only two tokens share a reading of the codes.
    /// </summary>
    public static int MostTokens => TOps.HasManyRegisters ? (CodesAreBytes ? 32 : 15) : 9;

    private static bool CodesAreBytes => InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * sizeof(int) == TBlock.BlockLength;

    /// <summary>The products of the rows of one group with some tokens, as many as four at once, for which codes are read once.</summary>
    /// <param name="group">The group.</param>
    /// <param name="groupByteCount">Bytes of a group.</param>
    /// <param name="blockCount">Blocks of a row.</param>
    /// <param name="activations">The tokens' activations.</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="y">The first token's results, a number for every row.</param>
    /// <param name="yStride">Elements between tokens of y.</param>
    public static void Multiply(byte* group, long groupByteCount, int blockCount, SplitActivations activations, int tokenCount, float* y, int yStride)
    {
        int token = 0;
        for (; TOps.HasManyRegisters && token <= tokenCount - 4; token += 4)
            MultiplyTokens<FourTokens>(group, groupByteCount, blockCount, activations, token, y + (long)token * yStride, yStride);
        for (; token <= tokenCount - 2; token += 2)
            MultiplyTokens<TwoTokens>(group, groupByteCount, blockCount, activations, token, y + (long)token * yStride, yStride);
        for (; token < tokenCount; token++)
            MultiplyTokens<OneToken>(group, groupByteCount, blockCount, activations, token, y + (long)token * yStride, yStride);
    }

    private static void MultiplyTokens<TTokens>(
        byte* group, long groupByteCount, int blockCount, SplitActivations activations, int token, float* y, int yStride)
        where TTokens : struct, ITokenCount
    {
        if (TLayout.BlockLength == 32)
            MultiplyShort<TTokens>(group, groupByteCount, blockCount, activations.Token(token), activations.TokenWordCount, y, yStride);
        else
            MultiplyGroups<TTokens>(group, groupByteCount, blockCount, activations.Token(token), activations.TokenWordCount, y, yStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyShort<TTokens>(
        byte* group, long groupByteCount, int blockCount, int* t0, int tokenWordCount, float* y, int yStride)
        where TTokens : struct, ITokenCount
    {
        ushort* halves = (ushort*)group;
        int* words = InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, blockCount, 0);
        int* t1 = t0 + tokenWordCount, t2 = t1 + tokenWordCount, t3 = t2 + tokenWordCount;
        // 16 in both halves of every lane.
        int sixteen = 0x0010_0010;
        TBytes sixteens = TOps.Broadcast(&sixteen);
        TBytes s0 = TOps.Zero, s1 = TOps.Zero, s2 = TOps.Zero, s3 = TOps.Zero;
        for (; blockCount > 0; blockCount--)
        {
            InterleavedRows<TBytes, TOps, TLayout, TBlock>.RequestAhead(words, halves, groupByteCount);
            TBytes l0 = TOps.Zero, h0 = TOps.Zero, l1 = TOps.Zero, h1 = TOps.Zero, l2 = TOps.Zero, h2 = TOps.Zero, l3 = TOps.Zero, h3 = TOps.Zero;
            AddStep<TTokens>(words, 0, 0, 0, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            AddStep<TTokens>(words, 0, 0, 1, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            AddStep<TTokens>(words, 0, 0, 2, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            AddStep<TTokens>(words, 0, 0, 3, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            AddStep<TTokens>(words, 0, 0, 4, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            AddStep<TTokens>(words, 0, 0, 5, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            AddStep<TTokens>(words, 0, 0, 6, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            AddStep<TTokens>(words, 0, 0, 7, t0, t1, t2, t3, ref l0, ref h0, ref l1, ref h1, ref l2, ref h2, ref l3, ref h3);
            TBytes scales = TOps.LoadHalves(halves);
            s0 = AddBlock(s0, l0, h0, sixteens, scales, t0);
            if (TTokens.Count > 1)
                s1 = AddBlock(s1, l1, h1, sixteens, scales, t1);
            if (TTokens.Count > 2)
            {
                s2 = AddBlock(s2, l2, h2, sixteens, scales, t2);
                s3 = AddBlock(s3, l3, h3, sixteens, scales, t3);
            }
            t0 += SplitActivations.GroupWordCount + 1;
            t1 += SplitActivations.GroupWordCount + 1;
            t2 += SplitActivations.GroupWordCount + 1;
            t3 += SplitActivations.GroupWordCount + 1;
            halves += InterleavedRows<TBytes, TOps, TLayout, TBlock>.HalvesLength;
            words += InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * TOps.Rows;
        }
        StoreSums<TTokens>(y, yStride, s0, s1, s2, s3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreSums<TTokens>(float* y, int yStride, TBytes s0, TBytes s1, TBytes s2, TBytes s3)
        where TTokens : struct, ITokenCount
    {
        TOps.Store(y, s0);
        if (TTokens.Count > 1)
            TOps.Store(y + yStride, s1);
        if (TTokens.Count > 2)
        {
            TOps.Store(y + 2L * yStride, s2);
            TOps.Store(y + 3L * yStride, s3);
        }
    }

    /// <summary>Decodes some blocks of the rows of one group: panel[column · width + row].</summary>
    /// <param name="group">The group.</param>
    /// <param name="rowBlockCount">Blocks of a row.</param>
    /// <param name="firstBlock">The first block.</param>
    /// <param name="blockCount">Blocks.</param>
    /// <param name="panel">Where the group's first row has its first column.</param>
    /// <param name="width">Rows of the panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Decode(byte* group, int rowBlockCount, int firstBlock, int blockCount, float* panel, int width)
    {
        ushort* halves = InterleavedRows<TBytes, TOps, TLayout, TBlock>.Halves(group, firstBlock);
        int* words = InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, rowBlockCount, firstBlock);
        for (; blockCount > 0; blockCount--)
        {
            if (TLayout.BlockLength == 32)
                DecodeGroup(words, 0, 0, TOps.LoadHalves(halves), panel, width);
            else
                DecodeGroups(words, halves, panel, width);
            panel += TLayout.BlockLength * width;
            halves += InterleavedRows<TBytes, TOps, TLayout, TBlock>.HalvesLength;
            words += InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * TOps.Rows;
        }
    }

    /// <summary>Unpacks some blocks of the rows of one group into pairs of 16 bits and scales, as <see cref="WordProduct{TBytes, TOps, TLayout, TBlock}"/> reads them.</summary>
    /// <param name="group">The group.</param>
    /// <param name="rowBlockCount">Blocks of a row.</param>
    /// <param name="firstBlock">The first block.</param>
    /// <param name="blockCount">Blocks.</param>
    /// <param name="panel">Where the group's first row has its first pair.</param>
    /// <param name="width">Rows of the panel.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void UnpackPairs(byte* group, int rowBlockCount, int firstBlock, int blockCount, int* panel, int width)
    {
        ushort* halves = InterleavedRows<TBytes, TOps, TLayout, TBlock>.Halves(group, firstBlock);
        int* words = InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, rowBlockCount, firstBlock);
        for (; blockCount > 0; blockCount--)
        {
            if (TLayout.BlockLength == 32)
                UnpackGroup(words, 0, 0, TOps.LoadHalves(halves), panel, width);
            else
                UnpackGroups(words, halves, panel, width);
            panel += TLayout.BlockLength / WordActivations.GroupLength * WordActivations.LaneWordCount * width;
            halves += InterleavedRows<TBytes, TOps, TLayout, TBlock>.HalvesLength;
            words += InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * TOps.Rows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackGroup(int* words, int half, int part, TBytes scales, int* panel, int width)
    {
        UnpackStep(words, half, part, 0, panel, width);
        UnpackStep(words, half, part, 1, panel + 2 * width, width);
        UnpackStep(words, half, part, 2, panel + 4 * width, width);
        UnpackStep(words, half, part, 3, panel + 6 * width, width);
        UnpackStep(words, half, part, 4, panel + 8 * width, width);
        UnpackStep(words, half, part, 5, panel + 10 * width, width);
        UnpackStep(words, half, part, 6, panel + 12 * width, width);
        UnpackStep(words, half, part, 7, panel + 14 * width, width);
        TOps.Store(panel + WordActivations.PairCount * width, scales);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackStep(int* words, int half, int part, int step, int* panel, int width)
    {
        TBytes codes = TBlock.ReadSignedLanes<TBytes, TOps>(words, half, part, step);
        TOps.Store(panel, TOps.SignedPair(codes, 0));
        TOps.Store(panel + width, TOps.SignedPair(codes, 1));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodeGroup(int* words, int half, int part, TBytes scales, float* panel, int width)
    {
        DecodeStep(words, half, part, 0, scales, panel, width);
        DecodeStep(words, half, part, 1, scales, panel + 4 * width, width);
        DecodeStep(words, half, part, 2, scales, panel + 8 * width, width);
        DecodeStep(words, half, part, 3, scales, panel + 12 * width, width);
        DecodeStep(words, half, part, 4, scales, panel + 16 * width, width);
        DecodeStep(words, half, part, 5, scales, panel + 20 * width, width);
        DecodeStep(words, half, part, 6, scales, panel + 24 * width, width);
        DecodeStep(words, half, part, 7, scales, panel + 28 * width, width);
    }

    // Four columns; the step is a constant wherever this is inlined.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodeStep(int* words, int half, int part, int step, TBytes scales, float* panel, int width)
    {
        TBytes codes = TBlock.ReadSignedLanes<TBytes, TOps>(words, half, part, step);
        TOps.Store(panel, TOps.ScaleByte(codes, 0, scales));
        TOps.Store(panel + width, TOps.ScaleByte(codes, 1, scales));
        TOps.Store(panel + 2 * width, TOps.ScaleByte(codes, 2, scales));
        TOps.Store(panel + 3 * width, TOps.ScaleByte(codes, 3, scales));
    }

    // The step is a constant wherever this is inlined.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddStep<TTokens>(
        int* words, int half, int part, int step, int* t0, int* t1, int* t2, int* t3, ref TBytes l0, ref TBytes h0, ref TBytes l1, ref TBytes h1,
        ref TBytes l2, ref TBytes h2, ref TBytes l3, ref TBytes h3)
        where TTokens : struct, ITokenCount
    {
        TBytes codes = TBlock.ReadLanes<TBytes, TOps>(words, half, part, step);
        AddToken(codes, t0 + step, ref l0, ref h0);
        if (TTokens.Count > 1)
            AddToken(codes, t1 + step, ref l1, ref h1);
        if (TTokens.Count > 2)
        {
            AddToken(codes, t2 + step, ref l2, ref h2);
            AddToken(codes, t3 + step, ref l3, ref h3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddToken(TBytes codes, int* token, ref TBytes low, ref TBytes high)
    {
        low = TOps.Accumulate(low, codes, TOps.Broadcast(token));
        high = TOps.Accumulate(high, codes, TOps.Broadcast(token + 8));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes AddBlock(TBytes sum, TBytes low, TBytes high, TBytes sixteens, TBytes scales, int* token)
    {
        TBytes total = TOps.AddWords(TOps.AddWords(TOps.JoinSums(low), TOps.MultiplyPairs(high, sixteens)), TOps.Broadcast(token + 16));
        return TOps.AddScaled(sum, total, scales, ((float*)token)[17]);
    }
}
