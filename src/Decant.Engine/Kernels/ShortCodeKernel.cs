using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>Formats of whole-number codes in blocks of 32 with one scale: see <see cref="ICodeBlock"/>.</summary>
internal sealed unsafe class ShortCodeKernel<TVector, TOps, TBlock>(InstructionSet instructions)
    : VectorKernel(TBlock.Format, instructions, ICodeBlock.PartLength, TBlock.ByteCount)
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TBlock : struct, ICodeBlock
{
    /// <inheritdoc/>
    public override void Decode(byte* source, float* destination, int count)
    {
        float* halves = HalfTable.Values;
        for (; count > 0; count -= ICodeBlock.PartLength)
        {
            Vector256<sbyte> codes = TBlock.ReadCodes(source, 0);
            float scale = TBlock.ReadScale(source, halves);
            if (TBlock.HasOffsets)
            {
                float offset = TBlock.ReadOffset(source, halves);
                TOps.StoreCodes(codes, 0, scale, offset, destination);
                TOps.StoreCodes(codes, 1, scale, offset, destination + 16);
            }
            else
            {
                TOps.StoreCodes(codes, 0, scale, destination);
                TOps.StoreCodes(codes, 1, scale, destination + 16);
            }
            source += TBlock.ByteCount;
            destination += ICodeBlock.PartLength;
        }
    }

    /// <inheritdoc/>
    protected override void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        int blockCount = input.ColumnCount / ICodeBlock.PartLength;
        for (int row = 0; row < rowCount; row++)
        {
            byte* blocks = rows + row * rowByteCount;
            for (int token = 0; token < input.TokenCount; token++)
                y[(long)token * yStride + row] = Dot(blocks, blockCount, input.Rows + (long)token * input.ColumnCount, input.Sums(token, ICodeBlock.PartLength));
        }
    }

    private static float Dot(byte* block, int blockCount, float* x, float* sums)
    {
        float* halves = HalfTable.Values;
        TVector even = TOps.Create(0);
        TVector odd = TOps.Create(0);
        float offset = 0;
        for (; blockCount > 1; blockCount -= 2)
        {
            Prefetching.Request(block + Prefetching.StreamDistance, 2 * TBlock.ByteCount);
            even = DotBlock(block, halves, x, even);
            odd = DotBlock(block + TBlock.ByteCount, halves, x + ICodeBlock.PartLength, odd);
            if (TBlock.HasOffsets)
            {
                offset = MathF.FusedMultiplyAdd(TBlock.ReadOffset(block, halves), sums[0], offset);
                offset = MathF.FusedMultiplyAdd(TBlock.ReadOffset(block + TBlock.ByteCount, halves), sums[1], offset);
                sums += 2;
            }
            block += 2 * TBlock.ByteCount;
            x += 2 * ICodeBlock.PartLength;
        }
        if (blockCount > 0)
        {
            even = DotBlock(block, halves, x, even);
            if (TBlock.HasOffsets)
                offset = MathF.FusedMultiplyAdd(TBlock.ReadOffset(block, halves), sums[0], offset);
        }
        return TOps.Sum(TOps.Add(even, odd)) + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector DotBlock(byte* block, float* halves, float* x, TVector sum)
    {
        Vector256<sbyte> codes = TBlock.ReadCodes(block, 0);
        TVector own = TOps.MultiplyAddCodes(codes, 0, x, TOps.Create(0));
        own = TOps.MultiplyAddCodes(codes, 1, x + 16, own);
        return TOps.MultiplyAdd(own, TOps.Create(TBlock.ReadScale(block, halves)), sum);
    }
}
