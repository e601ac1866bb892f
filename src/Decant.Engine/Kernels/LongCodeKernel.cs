using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>
/// Formats of whole-number codes in blocks of 256, in groups of 16 or 32 with a scale each or with one scale for all: see <see cref="ICodeBlock"/>.
/// The eight parts of a block are written out, so that the shifts that take them apart are constants.
/// </summary>
[SkipLocalsInit]
internal sealed unsafe class LongCodeKernel<TVector, TOps, TBlock>(InstructionSet instructions)
    : VectorKernel(TBlock.Format, instructions, BlockLength, TBlock.ByteCount)
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TBlock : struct, ICodeBlock
{
    private const int BlockLength = 256;

    /// <inheritdoc/>
    public override void Decode(byte* source, float* destination, int count)
    {
        float* halves = HalfTable.Values;
        float* scales = stackalloc float[2 * ICodeBlock.MaximumGroupCount];
        for (; count > 0; count -= BlockLength)
        {
            ReadScales(source, halves, scales);
            DecodePart(source, scales, destination, 0);
            DecodePart(source, scales, destination, 1);
            DecodePart(source, scales, destination, 2);
            DecodePart(source, scales, destination, 3);
            DecodePart(source, scales, destination, 4);
            DecodePart(source, scales, destination, 5);
            DecodePart(source, scales, destination, 6);
            DecodePart(source, scales, destination, 7);
            source += TBlock.ByteCount;
            destination += BlockLength;
        }
    }

    /// <inheritdoc/>
    protected override void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        int blockCount = input.ColumnCount / BlockLength;
        for (int row = 0; row < rowCount; row++)
        {
            byte* blocks = rows + row * rowByteCount;
            for (int token = 0; token < input.TokenCount; token++)
                y[(long)token * yStride + row] = Dot(blocks, blockCount, input.Rows + (long)token * input.ColumnCount, input.Sums(token, TBlock.GroupLength));
        }
    }

    private static float Dot(byte* block, int blockCount, float* x, float* sums)
    {
        float* halves = HalfTable.Values;
        float* scales = stackalloc float[2 * ICodeBlock.MaximumGroupCount];
        TVector even = TOps.Create(0);
        TVector odd = TOps.Create(0);
        Vector128<float> offsets = Vector128<float>.Zero;
        for (; blockCount > 0; blockCount--)
        {
            Prefetching.Request(block + Prefetching.StreamDistance, TBlock.ByteCount);
            ReadScales(block, halves, scales);
            even = DotPart(block, scales, x, 0, even);
            odd = DotPart(block, scales, x, 1, odd);
            even = DotPart(block, scales, x, 2, even);
            odd = DotPart(block, scales, x, 3, odd);
            even = DotPart(block, scales, x, 4, even);
            odd = DotPart(block, scales, x, 5, odd);
            even = DotPart(block, scales, x, 6, even);
            odd = DotPart(block, scales, x, 7, odd);
            if (TBlock.HasOffsets)
            {
                for (int i = 0; i < BlockLength / TBlock.GroupLength; i += 4)
                    offsets += Vector128.Load(scales + ICodeBlock.MaximumGroupCount + i) * Vector128.Load(sums + i);
                sums += BlockLength / TBlock.GroupLength;
            }
            block += TBlock.ByteCount;
            x += BlockLength;
        }
        return TOps.Sum(TOps.Add(even, odd)) + Ops128.Sum(offsets);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ReadScales(byte* block, float* halves, float* scales)
    {
        if (TBlock.GroupLength == BlockLength)
            scales[0] = TBlock.ReadScale(block, halves);
        else
            TBlock.ReadScales(block, halves, scales);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector DotPart(byte* block, float* scales, float* x, int part, TVector sum)
    {
        Vector256<sbyte> codes = TBlock.ReadCodes(block, part);
        x += ICodeBlock.PartLength * part;
        scales += ICodeBlock.PartLength * part / TBlock.GroupLength;
        TVector own = TOps.MultiplyAddCodes(codes, 0, x, TOps.Create(0));
        if (TBlock.GroupLength != 16)
            return TOps.MultiplyAdd(TOps.MultiplyAddCodes(codes, 1, x + 16, own), TOps.Create(scales[0]), sum);
        sum = TOps.MultiplyAdd(own, TOps.Create(scales[0]), sum);
        return TOps.MultiplyAdd(TOps.MultiplyAddCodes(codes, 1, x + 16, TOps.Create(0)), TOps.Create(scales[1]), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodePart(byte* block, float* scales, float* target, int part)
    {
        Vector256<sbyte> codes = TBlock.ReadCodes(block, part);
        target += ICodeBlock.PartLength * part;
        scales += ICodeBlock.PartLength * part / TBlock.GroupLength;
        int second = TBlock.GroupLength == 16 ? 1 : 0;
        if (TBlock.HasOffsets)
        {
            TOps.StoreCodes(codes, 0, scales[0], scales[ICodeBlock.MaximumGroupCount], target);
            TOps.StoreCodes(codes, 1, scales[second], scales[ICodeBlock.MaximumGroupCount + second], target + 16);
        }
        else
        {
            TOps.StoreCodes(codes, 0, scales[0], target);
            TOps.StoreCodes(codes, 1, scales[second], target + 16);
        }
    }
}
