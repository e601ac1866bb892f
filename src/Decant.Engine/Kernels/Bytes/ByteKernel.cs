using Decant.Engine.Inference;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Products in whole numbers: activations are rounded to 8 bits, codes stay as they are stored. Few tokens: row by row
/// (<see cref="ByteRows{TParts, TBlock}"/>). Many tokens: rows are packed into panels that stay in the cache (<see cref="PanelPacker{TBytes, TOps, TLayout, TBlock}"/>) and
/// multiplied with tiles of tokens (<see cref="ByteTile{TBytes, TOps, TLayout}"/>), so that packing is paid once for all tokens and no second copy of the
/// weights exists. Where codes are too wide for the sums of an instruction set, the list has this kernel for few tokens only.
/// </summary>
internal sealed unsafe class ByteKernel<TParts, TBytes, TOps, TLayout, TBlock>(InstructionSet instructions)
    : ProductKernel(TBlock.Format, instructions, DecoderArithmetic.Fast)
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

    // Where there are no tiles, more tokens than this do better in single precision, whose panels hold 16.
    private const int MostUntiledTokens = 9;

    private static bool TilesFit => TBlock.LargestStored <= TOps.LargestCode;

    /// <inheritdoc/>
    public override int MostFewTokens => TilesFit ? FewestTiledTokens - 1 : MostUntiledTokens;

    /// <inheritdoc/>
    public override int RoundedBlockLength => TBlock.BlockLength;

    /// <inheritdoc/>
    public override int RowUnit(int tokenCount) => UsesTiles(tokenCount) ? ByteTile<TBytes, TOps, TLayout>.PanelRowCount : 1;

    /// <inheritdoc/>
    public override void Prepare(ProductInput input)
    {
        ByteActivations activations = input.Bytes(TBlock.BlockLength);
        if (UsesTiles(input.TokenCount))
            _ = activations.Tiles<TBytes, TOps, TLayout>(input.Pool, PanelPacker<TBytes, TOps, TLayout, TBlock>.Zero);
    }

    /// <inheritdoc/>
    public override void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        if (UsesTiles(input.TokenCount))
            MultiplyTiles(rows, rowByteCount, rowCount, input, y, yStride, scratch);
        else
            ByteRows<TParts, TBlock>.Multiply(rows, rowByteCount, rowCount, input.Bytes(TBlock.BlockLength), input.TokenCount, input.ColumnCount, y, yStride);
    }

    private static bool UsesTiles(int tokenCount) => tokenCount >= FewestTiledTokens && TilesFit;

    private void MultiplyTiles(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        ByteActivations.TileSet tiles = input.Bytes(TBlock.BlockLength).Tiles<TBytes, TOps, TLayout>(input.Pool, PanelPacker<TBytes, TOps, TLayout, TBlock>.Zero);
        int panelRowCount = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        int blocksAtATime = ColumnsAtATime / TBlock.BlockLength;
        int panelWordCount = blocksAtATime * ByteTile<TBytes, TOps, TLayout>.PanelWordCount;
        long resultCount = (long)panelRowCount * input.TokenCount;
        float* results = scratch.Floats(resultCount + panelWordCount + PanelPacker<TBytes, TOps, TLayout, TBlock>.ScratchWordCount);
        int* panel = (int*)(results + resultCount);
        int blockCount = input.ColumnCount / TBlock.BlockLength;
        for (int row = 0; row < rowCount; row += panelRowCount)
        {
            int count = Math.Min(panelRowCount, rowCount - row);
            new Span<float>(results, checked((int)resultCount)).Clear();
            for (int block = 0; block < blockCount; block += blocksAtATime)
            {
                int some = Math.Min(blocksAtATime, blockCount - block);
                byte* blocks = rows + row * rowByteCount + (long)block * TBlock.ByteCount;
                PanelPacker<TBytes, TOps, TLayout, TBlock>.Pack(blocks, rowByteCount, count, some, panel, panel + panelWordCount, Instructions.Arithmetic);
                // What is packed next: these rows' next blocks, or the first of the next rows. It is asked for while this is multiplied.
                byte* next = block + some < blockCount ? blocks + (long)some * TBlock.ByteCount : rows + (row + panelRowCount) * rowByteCount;
                int requested = 0;
                for (int tile = 0; tile < tiles.Count; tile++)
                {
                    for (; requested < (tile + 1) * panelRowCount / tiles.Count; requested++)
                        Prefetching.Request(next + requested * rowByteCount, (long)blocksAtATime * TBlock.ByteCount + 63);
                    int first = tiles.FirstToken(tile);
                    int width = tiles.FirstToken(tile + 1) - first;
                    int* activations = tiles.Tile(tile) + (long)block * width * ByteTile<TBytes, TOps, TLayout>.TokenWordCount;
                    ByteTile<TBytes, TOps, TLayout>.MultiplyAdd(panel, activations, width, some, results + (long)first * panelRowCount);
                }
            }
            CopyResults(results, input.TokenCount, count, y + row, yStride);
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
}
