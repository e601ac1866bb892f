using Decant.Engine.Inference;
using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Products in whole numbers: activations are rounded to 8 bits, codes stay as they are stored. Few tokens: row by row
/// (<see cref="ByteRows{TParts, TBlock}"/>). Many tokens: rows are packed into panels that stay in the cache (<see cref="PanelPacker{TBytes, TOps, TLayout, TBlock}"/>) and
/// multiplied with tiles of tokens (<see cref="ByteTile{TBytes, TOps, TLayout}"/>), so that packing is paid once for all tokens. Rows that were brought side by
/// side at load (<see cref="InterleavedRows{TBytes, TOps, TLayout, TBlock}"/>) are multiplied as they lie with few tokens and packed from there for more. Where codes are
/// too wide for the sums of an instruction set, the list has this kernel for few tokens only, or <see cref="SplitKernel{TParts, TBytes, TOps, TLayout, TBlock}"/>.
/// </summary>
internal sealed unsafe class ByteKernel<TParts, TBytes, TOps, TLayout, TBlock>(InstructionSet instructions)
    : ProductKernel(TBlock.Format, instructions, DecoderArithmetic.Fast), IInterleavedKernel
    where TParts : struct, IPartOps
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TLayout : struct, IPanelLayout
    where TBlock : struct, ICodeBlock
{
    // Columns packed at a time: with 32 rows 16 KB of codes, which stay in the first-level cache beside a tile's activations.
    private const int ColumnsAtATime = 512;

    // Fewer tokens than this are multiplied row by row.
    private const int FewestTiledTokens = 4;

    private static bool TilesFit => TBlock.LargestStored <= TOps.LargestCode;

    /// <inheritdoc/>
    public override int MostFewTokens => TilesFit ? FewestTiledTokens - 1 : ByteRows<TParts, TBlock>.MostTokens;

    /// <inheritdoc/>
    public override int RoundedBlockLength => TBlock.BlockLength;

    /// <inheritdoc/>
    public override int RowUnit(int tokenCount) => UsesTiles(tokenCount) ? ByteTile<TBytes, TOps, TLayout>.PanelRowCount : 1;

    /// <inheritdoc/>
    public override void Prepare(ProductInput input)
    {
        if (UsesTiles(input.TokenCount))
            _ = Tiles(input, false);
        else
            _ = input.Bytes(TBlock.BlockLength);
    }

    /// <inheritdoc/>
    public override void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        if (UsesTiles(input.TokenCount))
            MultiplyTiles(new StoredSource(rows, rowByteCount, rowCount), rowCount, input, y, yStride, scratch);
        else
            ByteRows<TParts, TBlock>.Multiply(rows, rowByteCount, rowCount, input.Bytes(TBlock.BlockLength), input.TokenCount, input.ColumnCount, y, yStride);
    }

    /// <inheritdoc/>
    public string CopyForm => "side by side";

    /// <inheritdoc/>
    public int GroupRowCount => TilesFit ? TOps.Rows : 0;

    /// <inheritdoc/>
    public bool ReplacesForMany(ProductKernel many) => many == this;

    /// <inheritdoc/>
    public bool TryInterleave(byte* rows, long rowByteCount, int rowCount, byte* groups) =>
        InterleavedRows<TBytes, TOps, TLayout, TBlock>.TryStore(rows, rowByteCount, rowCount, groups);

    /// <inheritdoc/>
    public void PrepareInterleaved(ProductInput input) => _ = Tiles(input, IsFew(input.TokenCount));

    /// <inheritdoc/>
    public int ActivationBits(int tokenCount) => 8;

    /// <inheritdoc/>
    public int InterleavedRowUnit(int tokenCount) => IsFew(tokenCount) ? TOps.Rows : ByteTile<TBytes, TOps, TLayout>.PanelRowCount;

    /// <inheritdoc/>
    public void MultiplyInterleaved(byte* groups, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        if (!IsFew(input.TokenCount))
        {
            MultiplyTiles(new InterleavedSource(groups, rowByteCount, rowCount), rowCount, input, y, yStride, scratch);
            return;
        }
        ByteActivations.TileSet tiles = Tiles(input, true);
        int* words = (int*)scratch.Floats(InterleavedRows<TBytes, TOps, TLayout, TBlock>.ScratchWordCount);
        long tileStride = input.TokenCount > 1 ? tiles.Tile(1) - tiles.Tile(0) : 0;
        for (int row = 0; row < rowCount; row += TOps.Rows)
        {
            InterleavedRows<TBytes, TOps, TLayout, TBlock>.MultiplyTokens(
                groups + row * rowByteCount, TOps.Rows * rowByteCount, (int)(rowByteCount / TBlock.ByteCount), tiles.Tile(0), tileStride, input.TokenCount, words, y + row, yStride);
        }
    }

    // Few enough to be multiplied straight from rows side by side.
    private static bool IsFew(int tokenCount) => tokenCount <= InterleavedRows<TBytes, TOps, TLayout, TBlock>.MostTokens;

    private static ByteActivations.TileSet Tiles(ProductInput input, bool apart) =>
        input.Bytes(TBlock.BlockLength).Tiles<TBytes, TOps, TLayout>(input.Pool, PanelPacker<TBytes, TOps, TLayout, TBlock>.Zero, apart);

    private static bool UsesTiles(int tokenCount) => tokenCount >= FewestTiledTokens && TilesFit;

    private void MultiplyTiles<TSource>(TSource source, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
        where TSource : struct, IPackedSource
    {
        ByteActivations.TileSet tiles = Tiles(input, false);
        int panelRowCount = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        int blocksAtATime = ColumnsAtATime / TBlock.BlockLength;
        int panelWordCount = blocksAtATime * ByteTile<TBytes, TOps, TLayout>.PanelWordCount;
        long resultCount = (long)panelRowCount * input.TokenCount;
        float* results = scratch.Floats(resultCount + panelWordCount + PanelPacker<TBytes, TOps, TLayout, TBlock>.ScratchWordCount);
        int* panel = (int*)(results + resultCount);
        int blockCount = input.ColumnCount / TBlock.BlockLength;
        for (int row = 0; row < rowCount; row += panelRowCount)
        {
            new Span<float>(results, checked((int)resultCount)).Clear();
            for (int block = 0; block < blockCount; block += blocksAtATime)
            {
                int some = Math.Min(blocksAtATime, blockCount - block);
                source.Pack(row, block, some, panel, panel + panelWordCount, Instructions.Arithmetic);
                // What is packed next: these rows' next blocks, or the first of the next rows. It is asked for while this is multiplied.
                bool isLast = block + some == blockCount;
                int nextRow = isLast ? row + panelRowCount : row, nextBlock = isLast ? 0 : block + some;
                int requested = 0;
                for (int tile = 0; tile < tiles.Count; tile++)
                {
                    for (; requested < (tile + 1) * panelRowCount / tiles.Count; requested++)
                        source.Request(nextRow, nextBlock, Math.Min(blocksAtATime, blockCount - nextBlock), requested);
                    int first = tiles.FirstToken(tile);
                    int width = tiles.FirstToken(tile + 1) - first;
                    int* activations = tiles.Tile(tile) + (long)block * width * ByteTile<TBytes, TOps, TLayout>.TokenWordCount;
                    ByteTile<TBytes, TOps, TLayout>.MultiplyAdd(panel, activations, width, some, results + (long)first * panelRowCount);
                }
            }
            CopyResults(results, input.TokenCount, Math.Min(panelRowCount, rowCount - row), y + row, yStride);
        }
    }

    private static void CopyResults(float* results, int tokenCount, int rowCount, float* y, long yStride)
    {
        int panelRowCount = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        for (int token = 0; token < tokenCount; token++)
        {
            float* from = results + (long)token * panelRowCount;
            float* to = y + token * yStride;
            if (rowCount == panelRowCount)
            {
                TOps.Store(to, TOps.Load(from));
                TOps.Store(to + TOps.Rows, TOps.Load(from + TOps.Rows));
                continue;
            }
            for (int row = 0; row < rowCount; row++)
                to[row] = from[row];
        }
    }

    // Where the rows of a panel come from.
    private interface IPackedSource
    {
        // Packs blocks of the panel that starts with a row.
        void Pack(int row, int block, int blockCount, int* panel, int* scratch, FloatArithmetic arithmetic);

        // Asks for one of as many pieces of what Pack will read as a panel has rows.
        void Request(int row, int block, int blockCount, int piece);
    }

    private readonly struct StoredSource(byte* rows, long rowByteCount, int rowCount) : IPackedSource
    {
        public void Pack(int row, int block, int blockCount, int* panel, int* scratch, FloatArithmetic arithmetic) =>
            PanelPacker<TBytes, TOps, TLayout, TBlock>.Pack(
                Blocks(row, block), rowByteCount, Math.Min(ByteTile<TBytes, TOps, TLayout>.PanelRowCount, rowCount - row), blockCount, panel, scratch, arithmetic);

        public void Request(int row, int block, int blockCount, int piece) =>
            Prefetching.Request(Blocks(row + piece, block), (long)blockCount * TBlock.ByteCount + 63);

        private byte* Blocks(int row, int block) => rows + row * rowByteCount + (long)block * TBlock.ByteCount;
    }

    private readonly struct InterleavedSource(byte* groups, long rowByteCount, int rowCount) : IPackedSource
    {
        private int RowBlockCount => (int)(rowByteCount / TBlock.ByteCount);

        public void Pack(int row, int block, int blockCount, int* panel, int* scratch, FloatArithmetic arithmetic) =>
            PanelPacker<TBytes, TOps, TLayout, TBlock>.PackInterleaved(
                groups + row * rowByteCount, TOps.Rows * rowByteCount, Math.Min(2, (rowCount - row) / TOps.Rows), RowBlockCount, block, blockCount, panel);

        public void Request(int row, int block, int blockCount, int piece)
        {
            // Half of the pieces belong to either group; the few scales come by themselves.
            int half = ByteTile<TBytes, TOps, TLayout>.PanelRowCount / 2;
            byte* group = groups + (row + piece / half * TOps.Rows) * rowByteCount;
            long byteCount = (long)blockCount * InterleavedRows<TBytes, TOps, TLayout, TBlock>.WordCount * TOps.Rows * sizeof(int);
            byte* words = (byte*)InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, RowBlockCount, block);
            Prefetching.Request(words + byteCount * (piece % half) / half, byteCount / half + 63);
        }
    }
}
