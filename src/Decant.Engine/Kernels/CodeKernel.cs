using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>Formats of whole-number codes with scales: see <see cref="ICodeBlock"/>.</summary>
[SkipLocalsInit]
internal sealed unsafe class CodeKernel<TVector, TOps, TBlock>(InstructionSet instructions)
    : VectorKernel(TBlock.Format, instructions, TBlock.BlockLength, TBlock.ByteCount)
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
    where TBlock : struct, ICodeBlock
{
    /// <inheritdoc/>
    public override void Decode(byte* source, float* destination, int count)
    {
        float* scales = stackalloc float[2 * ICodeBlock.MaximumGroupCount];
        for (; count > 0; count -= TBlock.BlockLength)
        {
            TBlock.ReadScales(source, scales);
            DecodePart(source, scales, destination, 0);
            if (TBlock.BlockLength == 256)
            {
                DecodePart(source, scales, destination, 1);
                DecodePart(source, scales, destination, 2);
                DecodePart(source, scales, destination, 3);
                DecodePart(source, scales, destination, 4);
                DecodePart(source, scales, destination, 5);
                DecodePart(source, scales, destination, 6);
                DecodePart(source, scales, destination, 7);
            }
            source += TBlock.ByteCount;
            destination += TBlock.BlockLength;
        }
    }

    /// <inheritdoc/>
    protected override void MultiplyFew(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        int blockCount = input.ColumnCount / TBlock.BlockLength;
        for (int row = 0; row < rowCount; row++)
        {
            for (int token = 0; token < input.TokenCount; token++)
                y[(long)token * yStride + row] = Dot(rows + row * rowByteCount, blockCount, input.Rows + (long)token * input.ColumnCount, input.Sums(token));
        }
    }

    private static float Dot(byte* block, int blockCount, float* x, float* sums)
    {
        float* scales = stackalloc float[2 * ICodeBlock.MaximumGroupCount];
        TVector even = TOps.Create(0);
        TVector odd = TOps.Create(0);
        Vector128<float> offsets = Vector128<float>.Zero;
        float offset = 0;
        for (; blockCount > 0; blockCount--)
        {
            TBlock.ReadScales(block, scales);
            even = DotPart(block, scales, x, 0, even);
            if (TBlock.BlockLength == 256)
            {
                odd = DotPart(block, scales, x, 1, odd);
                even = DotPart(block, scales, x, 2, even);
                odd = DotPart(block, scales, x, 3, odd);
                even = DotPart(block, scales, x, 4, even);
                odd = DotPart(block, scales, x, 5, odd);
                even = DotPart(block, scales, x, 6, even);
                odd = DotPart(block, scales, x, 7, odd);
            }
            else
            {
                (even, odd) = (odd, even);
            }
            if (TBlock.HasOffsets)
            {
                float* own = scales + ICodeBlock.MaximumGroupCount;
                if (TBlock.BlockLength == 32)
                {
                    offset += own[0] * (sums[0] + sums[1]);
                }
                else if (TBlock.GroupLength == 16)
                {
                    for (int i = 0; i < 16; i += 4)
                        offsets += Vector128.Load(own + i) * Vector128.Load(sums + i);
                }
                else
                {
                    for (int i = 0; i < 8; i++)
                        offset += own[i] * (sums[2 * i] + sums[2 * i + 1]);
                }
                sums += TBlock.BlockLength / 16;
            }
            block += TBlock.ByteCount;
            x += TBlock.BlockLength;
        }
        float sum = TOps.Sum(TOps.Add(even, odd));
        return TBlock.HasOffsets ? sum + (offset + Ops128.Sum(offsets)) : sum;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodePart(byte* block, float* scales, float* destination, int part)
    {
        Vector256<sbyte> codes = TBlock.ReadCodes(block, part);
        float* target = destination + ICodeBlock.PartLength * part;
        DecodeVector(codes, scales, target, part, 0);
        DecodeVector(codes, scales, target, part, 1);
        if (TOps.Lanes <= 8)
        {
            DecodeVector(codes, scales, target, part, 2);
            DecodeVector(codes, scales, target, part, 3);
        }
        if (TOps.Lanes <= 4)
        {
            DecodeVector(codes, scales, target, part, 4);
            DecodeVector(codes, scales, target, part, 5);
            DecodeVector(codes, scales, target, part, 6);
            DecodeVector(codes, scales, target, part, 7);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void DecodeVector(Vector256<sbyte> codes, float* scales, float* target, int part, int index)
    {
        int group = (ICodeBlock.PartLength * part + TOps.Lanes * index) / TBlock.GroupLength;
        TVector value = TOps.Multiply(TOps.Widen(codes, index), TOps.Create(scales[group]));
        if (TBlock.HasOffsets)
            value = TOps.Add(value, TOps.Create(scales[ICodeBlock.MaximumGroupCount + group]));
        TOps.Store(target + TOps.Lanes * index, value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector DotPart(byte* block, float* scales, float* x, int part, TVector sum)
    {
        Vector256<sbyte> codes = TBlock.ReadCodes(block, part);
        float* own = x + ICodeBlock.PartLength * part;
        const int PerGroup = 16;
        if (TBlock.GroupLength == PerGroup)
        {
            // Two groups: their sums are scaled apart.
            TVector first = HalfDot(codes, own, 0);
            TVector second = HalfDot(codes, own, 1);
            sum = TOps.MultiplyAdd(first, TOps.Create(scales[2 * part]), sum);
            return TOps.MultiplyAdd(second, TOps.Create(scales[2 * part + 1]), sum);
        }
        TVector both = TOps.Add(HalfDot(codes, own, 0), HalfDot(codes, own, 1));
        return TOps.MultiplyAdd(both, TOps.Create(scales[ICodeBlock.PartLength * part / TBlock.GroupLength]), sum);
    }

    /// <summary>Products of 16 codes, added up to one vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TVector HalfDot(Vector256<sbyte> codes, float* x, int half)
    {
        int vectors = 16 / TOps.Lanes;
        int first = half * vectors;
        TVector sum = TOps.Multiply(TOps.Widen(codes, first), TOps.Load(x + first * TOps.Lanes));
        if (TOps.Lanes <= 8)
            sum = TOps.MultiplyAdd(TOps.Widen(codes, first + 1), TOps.Load(x + (first + 1) * TOps.Lanes), sum);
        if (TOps.Lanes <= 4)
        {
            sum = TOps.MultiplyAdd(TOps.Widen(codes, first + 2), TOps.Load(x + (first + 2) * TOps.Lanes), sum);
            sum = TOps.MultiplyAdd(TOps.Widen(codes, first + 3), TOps.Load(x + (first + 3) * TOps.Lanes), sum);
        }
        return sum;
    }
}
