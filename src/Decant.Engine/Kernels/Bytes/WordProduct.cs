using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Many tokens times codes of 8 bits, on processors whose byte products sum in 16 bits, too few for such codes: codes and activations of 16 bits
/// (<see cref="WordActivations"/>), neighbours multiplied and added in 32 bits, 16 products an instruction where single precision has 8. Rounding to 16 bits
/// is 256 times as fine as to 8.
/// <code>
///   panel, per 32 columns, R rows of a vector twice (32-bit words):
///     codes   [16][2 R]   two codes of consecutive columns of a row, 16 bits each
///     scales  [2 R]       single precision
///
///                         token 0   token 1   token 2   token 3
///   rows 0 to R − 1         s00       s10       s20       s30       s += codes · (the token's two activations in every lane)
///   rows R to 2 R − 1       s01       s11       s21       s31
/// </code>
/// A sum has 32 products of at most 128 · 32,767: a sixteenth of what 32 bits hold. After every 32 columns the sums, times both scales, are added to results in
/// memory, which the first-level cache holds.
/// </summary>
internal static unsafe class WordProduct<TBytes, TOps, TLayout, TBlock>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TLayout : struct, IPanelLayout
    where TBlock : struct, ICodeBlock
{
    // Columns unpacked at a time: 17 KB with 16 rows, which stay in the first-level cache beside a tile's activations.
    private const int ColumnsAtATime = 512;

    /// <summary>Rows of a panel.</summary>
    public static int PanelRowCount => 2 * TOps.Rows;

    private static int GroupWordCount => WordActivations.LaneWordCount * PanelRowCount;

    /// <summary>y[t · yStride + r] = Σ W[r, c] · x[t][c] of rows side by side.</summary>
    /// <param name="groups">The rows, see <see cref="InterleavedRows{TBytes, TOps, TLayout, TBlock}"/>.</param>
    /// <param name="rowByteCount">Bytes of a row.</param>
    /// <param name="rowCount">Rows, a multiple of a vector's.</param>
    /// <param name="activations">The tokens' activations.</param>
    /// <param name="tokenCount">Tokens.</param>
    /// <param name="y">Results.</param>
    /// <param name="yStride">Elements between tokens of y.</param>
    /// <param name="scratch">Memory of this thread.</param>
    public static void Multiply(byte* groups, long rowByteCount, int rowCount, WordActivations activations, int tokenCount, float* y, int yStride, Scratch scratch)
    {
        int blockCount = (int)(rowByteCount / TBlock.ByteCount);
        int blocksAtATime = ColumnsAtATime / TLayout.BlockLength, groupsPerBlock = TLayout.BlockLength / WordActivations.GroupLength;
        long resultCount = (long)activations.TileCount * WordActivations.TileTokenCount * PanelRowCount;
        float* results = scratch.Floats(resultCount + blocksAtATime * groupsPerBlock * GroupWordCount);
        int* panel = (int*)(results + resultCount);
        for (int row = 0; row < rowCount; row += PanelRowCount)
        {
            byte* group = groups + row * rowByteCount;
            int vectorCount = Math.Min(2, (rowCount - row) / TOps.Rows);
            new Span<float>(results, checked((int)resultCount)).Clear();
            for (int block = 0; block < blockCount; block += blocksAtATime)
            {
                int some = Math.Min(blocksAtATime, blockCount - block);
                if (vectorCount < 2)
                    new Span<int>(panel, some * groupsPerBlock * GroupWordCount).Clear();
                for (int i = 0; i < vectorCount; i++)
                    SplitRows<TBytes, TOps, TLayout, TBlock>.UnpackPairs(group + i * TOps.Rows * rowByteCount, blockCount, block, some, panel + i * TOps.Rows, PanelRowCount);
                Requests requests = vectorCount < 2 ? default : Requests.After(groups, rowByteCount, rowCount, row, block, some, blockCount);
                for (int tile = 0; tile < activations.TileCount; tile++)
                {
                    requests.Request(tile, activations.TileCount);
                    MultiplyTile(
                        panel, activations.Tile(tile, block * groupsPerBlock), some * groupsPerBlock, results + (long)tile * WordActivations.TileTokenCount * PanelRowCount);
                }
            }
            for (int token = 0; token < tokenCount; token++)
            {
                float* from = results + (long)token * PanelRowCount, to = y + row + (long)token * yStride;
                for (int i = 0; i < vectorCount; i++)
                    TOps.Store(to + i * TOps.Rows, TOps.Load(from + i * TOps.Rows));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyTile(int* panel, int* tile, int groupCount, float* results)
    {
        for (; groupCount > 0; groupCount--)
        {
            TBytes s00 = TOps.Zero, s01 = TOps.Zero, s10 = TOps.Zero, s11 = TOps.Zero, s20 = TOps.Zero, s21 = TOps.Zero, s30 = TOps.Zero, s31 = TOps.Zero;
            for (int pair = 0; pair < WordActivations.PairCount; pair++)
            {
                TBytes w0 = TOps.Load(panel), w1 = TOps.Load(panel + TOps.Rows);
                TBytes x = TOps.Broadcast(tile);
                s00 = TOps.AddWords(s00, TOps.MultiplyPairs(w0, x));
                s01 = TOps.AddWords(s01, TOps.MultiplyPairs(w1, x));
                x = TOps.Broadcast(tile + 1);
                s10 = TOps.AddWords(s10, TOps.MultiplyPairs(w0, x));
                s11 = TOps.AddWords(s11, TOps.MultiplyPairs(w1, x));
                x = TOps.Broadcast(tile + 2);
                s20 = TOps.AddWords(s20, TOps.MultiplyPairs(w0, x));
                s21 = TOps.AddWords(s21, TOps.MultiplyPairs(w1, x));
                x = TOps.Broadcast(tile + 3);
                s30 = TOps.AddWords(s30, TOps.MultiplyPairs(w0, x));
                s31 = TOps.AddWords(s31, TOps.MultiplyPairs(w1, x));
                panel += PanelRowCount;
                tile += WordActivations.TileTokenCount;
            }
            TBytes rowScales = TOps.Load(panel);
            Add(s00, rowScales, tile, results);
            Add(s10, rowScales, tile + 1, results + PanelRowCount);
            Add(s20, rowScales, tile + 2, results + 2 * PanelRowCount);
            Add(s30, rowScales, tile + 3, results + 3 * PanelRowCount);
            rowScales = TOps.Load(panel + TOps.Rows);
            Add(s01, rowScales, tile, results + TOps.Rows);
            Add(s11, rowScales, tile + 1, results + PanelRowCount + TOps.Rows);
            Add(s21, rowScales, tile + 2, results + 2 * PanelRowCount + TOps.Rows);
            Add(s31, rowScales, tile + 3, results + 3 * PanelRowCount + TOps.Rows);
            panel += PanelRowCount;
            tile += WordActivations.TileTokenCount;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(TBytes words, TBytes rowScales, int* tokenScale, float* destination) =>
        TOps.Store(destination, TOps.AddScaled(TOps.Load(destination), words, rowScales, *(float*)tokenScale));

    /// <summary>Asks for the words that are unpacked next, a share at every tile.</summary>
    private readonly struct Requests(byte* first, byte* second, long byteCount)
    {
        // These rows' next blocks, or the next rows' first.
        public static Requests After(byte* groups, long rowByteCount, int rowCount, int row, int block, int some, int blockCount)
        {
            bool isLast = block + some == blockCount;
            int next = isLast ? row + PanelRowCount : row, nextBlock = isLast ? 0 : block + some;
            if (next + PanelRowCount > rowCount)
                return default;
            byte* group = groups + next * rowByteCount;
            return new Requests(
                (byte*)InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, blockCount, nextBlock),
                (byte*)InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group + TOps.Rows * rowByteCount, blockCount, nextBlock),
                (long)Math.Min(some, blockCount - nextBlock) * InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * TOps.Rows * sizeof(int));
        }

        public void Request(int tile, int tileCount)
        {
            if (byteCount == 0)
                return;
            long from = byteCount * tile / tileCount, to = byteCount * (tile + 1) / tileCount;
            Prefetching.Request(first + from, to - from);
            Prefetching.Request(second + from, to - from);
        }
    }
}
