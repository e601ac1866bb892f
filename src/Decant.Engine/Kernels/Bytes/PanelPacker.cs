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
    public static void Pack(byte* blocks, long rowByteCount, int rowCount, int blockCount, int* panel, int* scratch, FloatArithmetic arithmetic)
    {
        float* halves = HalfTable.Values;
        int panelRowCount = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        for (int block = 0; block < blockCount; block++)
        {
            int* scaleWords = panel + TLayout.BlockLength / 4 * panelRowCount;
            for (int row = 0; row < rowCount; row++)
            {
                byte* from = blocks + row * rowByteCount;
                StoreCodes(from, scratch + row * RowStride);
                StoreScales(from, halves, scaleWords + row, panelRowCount);
            }
            for (int row = rowCount; row < panelRowCount; row++)
                ClearScales(scaleWords + row, panelRowCount);
            arithmetic.Transpose((float*)scratch, RowStride, panelRowCount, TLayout.BlockLength / 4, (float*)panel, panelRowCount);
            panel += ByteTile<TBytes, TOps, TLayout>.PanelWordCount;
            blocks += TBlock.ByteCount;
        }
    }

    private static int ScaleRowCount => TLayout.HasGroupScales ? TLayout.BlockLength / TLayout.GroupLength : 0;

    private static int MinimumRowCount => TLayout.HasMinima ? TLayout.BlockLength / TLayout.GroupLength / 2 : 0;

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

    private static void StorePart(byte* block, int part, int* target)
    {
        byte* to = (byte*)target + part * ICodeBlock.PartLength;
        if (TOps.TakesSignedCodes)
            TBlock.ReadCodes(block, part).Store((sbyte*)to);
        else
            TBlock.ReadStored(block, part).Store(to);
    }

    private static void StoreScales(byte* block, float* halves, int* target, int stride)
    {
        if (TLayout.HasGroupScales)
        {
            Vector256<short> scales = TBlock.ReadIntegerScales(block);
            short* values = stackalloc short[16];
            scales.Store(values);
            for (int group = 0; group < ScaleRowCount; group++)
                target[group * stride] = TOps.ScaleWord(values[TLayout.GroupLength == 16 ? group % 2 * 8 + group / 2 : group]);
            target += ScaleRowCount * stride;
            if (TLayout.HasMinima)
            {
                TBlock.ReadIntegerMinima(block).Store(values);
                for (int pair = 0; pair < MinimumRowCount; pair++)
                {
                    int even = values[TLayout.GroupLength == 16 ? pair : 2 * pair];
                    int odd = values[TLayout.GroupLength == 16 ? 8 + pair : 2 * pair + 1];
                    target[pair * stride] = (even & 0xffff) | odd << 16;
                }
                target += MinimumRowCount * stride;
            }
        }
        float scale = TBlock.ReadScale(block, halves);
        *(float*)target = scale;
        if (TLayout.HasMinima)
            *(float*)(target + stride) = -TBlock.ReadMinimumScale(block, halves);
        else if (TLayout.HasOffsets)
            *(float*)(target + stride) = TOps.TakesSignedCodes ? TBlock.ReadOffset(block, halves) : MathF.FusedMultiplyAdd(Zero, scale, TBlock.ReadOffset(block, halves));
    }

    private static void ClearScales(int* target, int stride)
    {
        int count = ScaleRowCount + MinimumRowCount + 1 + (TLayout.HasMinima || TLayout.HasOffsets ? 1 : 0);
        for (int i = 0; i < count; i++)
            target[i * stride] = 0;
    }
}
