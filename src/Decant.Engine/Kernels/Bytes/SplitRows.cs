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
internal static unsafe class SplitRows<TBytes, TOps, TBlock>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TBlock : struct, ICodeBlock
{
    /// <summary>The products of the rows of one group with one token.</summary>
    /// <param name="group">The group.</param>
    /// <param name="groupByteCount">Bytes of a group.</param>
    /// <param name="blockCount">Blocks of a row.</param>
    /// <param name="token">The token's activations.</param>
    /// <param name="results">A number for every row.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Multiply(byte* group, long groupByteCount, int blockCount, int* token, float* results)
    {
        ushort* halves = (ushort*)group;
        int* words = InterleavedRows<TBytes, TOps, ShortPanel, TBlock>.Words(group, blockCount, 0);
        // 16 in both halves of every lane.
        int sixteen = 0x0010_0010;
        TBytes sixteens = TOps.Broadcast(&sixteen);
        TBytes sum = TOps.Zero;
        for (; blockCount > 0; blockCount--)
        {
            InterleavedRows<TBytes, TOps, ShortPanel, TBlock>.RequestAhead(words, halves, groupByteCount);
            TBytes low = TOps.Zero, high = TOps.Zero;
            Add(words, token, 0, ref low, ref high);
            Add(words, token, 1, ref low, ref high);
            Add(words, token, 2, ref low, ref high);
            Add(words, token, 3, ref low, ref high);
            Add(words, token, 4, ref low, ref high);
            Add(words, token, 5, ref low, ref high);
            Add(words, token, 6, ref low, ref high);
            Add(words, token, 7, ref low, ref high);
            TBytes total = TOps.AddWords(TOps.AddWords(TOps.JoinSums(low), TOps.MultiplyPairs(high, sixteens)), TOps.Broadcast(token + 16));
            sum = TOps.AddScaled(sum, total, TOps.LoadHalves(halves), ((float*)token)[17]);
            token += SplitActivations.BlockWordCount;
            halves += TOps.Rows;
            words += 8 * TOps.Rows;
        }
        TOps.Store(results, sum);
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
        ushort* halves = InterleavedRows<TBytes, TOps, ShortPanel, TBlock>.Halves(group, firstBlock);
        int* words = InterleavedRows<TBytes, TOps, ShortPanel, TBlock>.Words(group, rowBlockCount, firstBlock);
        for (; blockCount > 0; blockCount--)
        {
            TBytes scales = TOps.LoadHalves(halves);
            for (int word = 0; word < 8; word++)
            {
                TBytes codes = TOps.Load(words);
                TOps.Store(panel, TOps.ScaleByte(codes, 0, scales));
                TOps.Store(panel + width, TOps.ScaleByte(codes, 1, scales));
                TOps.Store(panel + 2 * width, TOps.ScaleByte(codes, 2, scales));
                TOps.Store(panel + 3 * width, TOps.ScaleByte(codes, 3, scales));
                words += TOps.Rows;
                panel += 4 * width;
            }
            halves += TOps.Rows;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(int* words, int* token, int word, ref TBytes low, ref TBytes high)
    {
        TBytes codes = TBlock.ReadLanes<TBytes, TOps>(words, 0, 0, word);
        low = TOps.Accumulate(low, codes, TOps.Broadcast(token + word));
        high = TOps.Accumulate(high, codes, TOps.Broadcast(token + 8 + word));
    }
}
