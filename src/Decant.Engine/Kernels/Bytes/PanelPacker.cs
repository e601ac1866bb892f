using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>Turns stored rows into the packed form of <see cref="IPanelLayout"/>.</summary>
internal static unsafe class PanelPacker<TBytes, TOps, TLayout, TBlock>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TLayout : struct, IPanelLayout
    where TBlock : struct, ICodeBlock
{
    // Words of a row's codes while they wait to be transposed, with a gap that keeps rows out of one another's cache sets.
    private const int RowStride = 256 / 4 + 16;

    /// <summary>Words that <see cref="Pack"/> needs for itself.</summary>
    public static int ScratchWordCount => ByteTile<TBytes, TOps, TLayout>.PanelRowCount * RowStride;

    /// <summary>
    /// The stored code that sums take for 0. Formats with an offset have none; where sums are kept in 16 bits the middle of their range serves, and the
    /// offset makes up for it.
    /// </summary>
    public static int Zero => TLayout.HasOffsets ? (TBlock.LargestStored + 1) / 2 : TBlock.Zero;

    /// <summary>Packs some blocks of the rows of one panel.</summary>
    /// <param name="blocks">The first row's first block.</param>
    /// <param name="rowByteCount">Bytes between rows.</param>
    /// <param name="rowCount">Rows, at most a panel's; the others become zero.</param>
    /// <param name="blockCount">Blocks.</param>
    /// <param name="panel">Receives them.</param>
    /// <param name="scratch"><see cref="ScratchWordCount"/> words.</param>
    /// <param name="arithmetic">Transposes.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Pack(byte* blocks, long rowByteCount, int rowCount, int blockCount, int* panel, int* scratch, FloatArithmetic arithmetic)
    {
        float* halves = HalfTable.Values;
        int panelRowCount = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        for (int block = 0; block < blockCount; block++)
        {
            if (rowCount < panelRowCount || !TryPackLanes(blocks, rowByteCount, panel, scratch))
            {
                UnpackRows(blocks, rowByteCount, rowCount, panel, panelRowCount, scratch, arithmetic);
                int* scaleWords = panel + TLayout.BlockLength / 4 * panelRowCount;
                if (TLayout.HasGroupScales)
                    PackGroupScales(blocks, rowByteCount, rowCount, scaleWords, panelRowCount, scratch);
                StoreRowScales(blocks, rowByteCount, rowCount, halves, (float*)(scaleWords + ByteTile<TBytes, TOps, TLayout>.GroupWordCount * panelRowCount), panelRowCount);
            }
            panel += ByteTile<TBytes, TOps, TLayout>.PanelWordCount;
            blocks += TBlock.ByteCount;
        }
    }

    /// <summary>Packs some blocks of the rows of one panel from groups of rows side by side; lanes without rows become zero.</summary>
    /// <param name="group">The first of the panel's two groups.</param>
    /// <param name="groupByteCount">Bytes of a group.</param>
    /// <param name="groupCount">1 or 2.</param>
    /// <param name="rowBlockCount">Blocks of a row.</param>
    /// <param name="firstBlock">The first block to pack.</param>
    /// <param name="blockCount">Blocks to pack.</param>
    /// <param name="panel">Receives them.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void PackInterleaved(byte* group, long groupByteCount, int groupCount, int rowBlockCount, int firstBlock, int blockCount, int* panel)
    {
        if (groupCount < 2)
            new Span<int>(panel, blockCount * ByteTile<TBytes, TOps, TLayout>.PanelWordCount).Clear();
        for (int i = 0; i < groupCount; i++)
        {
            int* target = panel + i * TOps.Rows;
            for (int block = firstBlock; block < firstBlock + blockCount; block++)
            {
                InterleavedRows<TBytes, TOps, TLayout, TBlock>.Unpack(
                    InterleavedRows<TBytes, TOps, TLayout, TBlock>.Words(group, rowBlockCount, block), InterleavedRows<TBytes, TOps, TLayout, TBlock>.Halves(group, block), target);
                target += ByteTile<TBytes, TOps, TLayout>.PanelWordCount;
            }
            group += groupByteCount;
        }
    }

    // All rows at once: brought side by side, then taken apart a row a lane.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static bool TryPackLanes(byte* blocks, long rowByteCount, int* panel, int* scratch)
    {
        ushort* halves = stackalloc ushort[2 * TOps.Rows];
        for (int first = 0; first < ByteTile<TBytes, TOps, TLayout>.PanelRowCount; first += TOps.Rows)
        {
            byte* own = blocks + first * rowByteCount;
            if (!InterleavedRows<TBytes, TOps, TLayout, TBlock>.TryStoreBlock(own, rowByteCount, scratch, halves))
                return false;
            InterleavedRows<TBytes, TOps, TLayout, TBlock>.Unpack(scratch, halves, panel + first);
        }
        return true;
    }

    /// <summary>Row after row, then transposed: for formats without lanes, and where there are fewer rows than a panel has.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackRows(byte* blocks, long rowByteCount, int rowCount, int* panel, int panelRowCount, int* scratch, FloatArithmetic arithmetic)
    {
        for (int row = 0; row < rowCount; row++)
            StoreCodes(blocks + row * rowByteCount, scratch + row * RowStride);
        arithmetic.Transpose((float*)scratch, RowStride, panelRowCount, TLayout.BlockLength / 4, (float*)panel, panelRowCount);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void PackGroupScales(byte* blocks, long rowByteCount, int rowCount, int* target, int panelRowCount, int* scratch)
    {
        // Per row: scales of first half parts, of second half parts, minima.
        const int Stride = 32;
        for (int row = 0; row < rowCount; row++)
        {
            byte* block = blocks + row * rowByteCount;
            int* to = scratch + row * Stride;
            (Vector256<int> first, Vector256<int> second) = Vector256.Widen(TBlock.ReadIntegerScales(block));
            TOps.ScaleWords(first).Store(to);
            if (TLayout.GroupLength == 16)
                TOps.ScaleWords(second).Store(to + 8);
            if (!TLayout.HasMinima)
                continue;
            Vector256<short> minima = TBlock.ReadIntegerMinima(block);
            (first, second) = Vector256.Widen(minima);
            if (TLayout.GroupLength == 16)
                (first | Vector256.ShiftLeft(second, 16)).Store(to + 16);
            else
                minima.GetLower().AsInt32().Store(to + 16);
        }
        int step = TLayout.GroupLength == 16 ? 2 * panelRowCount : panelRowCount;
        for (int first = 0; first < panelRowCount; first += TOps.Rows)
        {
            int* from = scratch + first * Stride;
            int* to = target + first;
            StoreFour(from, to, step);
            StoreFour(from + 4, to + 4 * step, step);
            if (TLayout.GroupLength == 16)
            {
                StoreFour(from + 8, to + panelRowCount, step);
                StoreFour(from + 12, to + panelRowCount + 4 * step, step);
            }
            if (!TLayout.HasMinima)
                continue;
            to += TLayout.BlockLength / TLayout.GroupLength * panelRowCount;
            StoreFour(from + 16, to, panelRowCount);
            if (TLayout.GroupLength == 16)
                StoreFour(from + 20, to + 4 * panelRowCount, panelRowCount);
        }

        // Four words of each of a vector's rows.
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        static void StoreFour(int* from, int* to, int distance)
        {
            TOps.LoadTransposed((byte*)from, Stride * sizeof(int), out FourVectors<TBytes> words);
            TOps.Store(to, words.First);
            TOps.Store(to + distance, words.Second);
            TOps.Store(to + 2 * distance, words.Third);
            TOps.Store(to + 3 * distance, words.Fourth);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void StoreRowScales(byte* blocks, long rowByteCount, int rowCount, float* halves, float* target, int panelRowCount)
    {
        for (int row = 0; row < panelRowCount; row++)
        {
            // Rows that a panel lacks are zero whatever their codes.
            float scale = 0, second = 0;
            if (row < rowCount)
            {
                byte* block = blocks + row * rowByteCount;
                scale = TBlock.ReadScale(block, halves);
                if (TLayout.HasMinima)
                    second = -TBlock.ReadMinimumScale(block, halves);
                else if (TLayout.HasOffsets)
                    second = TOps.TakesSignedCodes ? TBlock.ReadOffset(block, halves) : MathF.FusedMultiplyAdd(Zero, scale, TBlock.ReadOffset(block, halves));
            }
            target[row] = scale;
            if (TLayout.HasMinima || TLayout.HasOffsets)
                target[panelRowCount + row] = second;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCodes(byte* block, int* target)
    {
        StorePart(block, 0, target);
        if (TLayout.BlockLength == 32)
            return;
        StorePart(block, 1, target);
        StorePart(block, 2, target);
        StorePart(block, 3, target);
        StorePart(block, 4, target);
        StorePart(block, 5, target);
        StorePart(block, 6, target);
        StorePart(block, 7, target);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StorePart(byte* block, int part, int* target)
    {
        byte* to = (byte*)target + part * ICodeBlock.PartLength;
        if (TOps.TakesSignedCodes)
            TBlock.ReadCodes(block, part).Store((sbyte*)to);
        else
            TBlock.ReadStored(block, part).Store(to);
    }
}
