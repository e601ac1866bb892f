using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Products of stored rows with few tokens, straight from where the rows lie: a row after another, so that memory is read as one stream. A block's
/// eight parts of 32 codes are written out, so that the shifts that take them apart are constants.
/// </summary>
internal static unsafe class ByteRows<TParts, TBlock>
    where TParts : struct, IPartOps
    where TBlock : struct, ICodeBlock
{
    // How far ahead of its use memory is asked for: beyond what the processor's own prefetching covers at the ends of pages and rows.
    private const int PrefetchDistance = 2048;

    private static bool IsSigned => TBlock.LargestStored > 127;

    /// <summary>y[t · yStride + r] = Σ W[r, c] · x[t][c].</summary>
    public static void Multiply(byte* rows, long rowByteCount, int rowCount, ByteActivations input, int tokenCount, int columnCount, float* y, int yStride)
    {
        int blockCount = columnCount / TBlock.BlockLength;
        for (int row = 0; row < rowCount; row++)
        {
            byte* blocks = rows + row * rowByteCount;
            for (int token = 0; token < tokenCount; token++)
            {
                y[(long)token * yStride + row] = TBlock.BlockLength == 32
                    ? DotShort(blocks, blockCount, input.Codes(token), input.Scales(token), input.ScaledSums(token))
                    : DotLong(blocks, blockCount, input.Codes(token), input.Scales(token), input.PartSums(token));
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotShort(byte* block, int blockCount, sbyte* x, float* scales, float* sums)
    {
        float* halves = HalfTable.Values;
        Vector256<float> even = Vector256<float>.Zero;
        Vector256<float> odd = Vector256<float>.Zero;
        float offset = 0;
        for (; blockCount > 1; blockCount -= 2)
        {
            TParts.Prefetch(block + PrefetchDistance);
            even = AddBlock(block, halves, x, scales, even);
            odd = AddBlock(block + TBlock.ByteCount, halves, x + 32, scales + 1, odd);
            if (TBlock.HasOffsets || !IsSigned && TBlock.Zero != 0)
            {
                offset = AddOffset(block, halves, sums, offset);
                offset = AddOffset(block + TBlock.ByteCount, halves, sums + 1, offset);
            }
            block += 2 * TBlock.ByteCount;
            x += 64;
            scales += 2;
            sums += 2;
        }
        if (blockCount > 0)
        {
            even = AddBlock(block, halves, x, scales, even);
            if (TBlock.HasOffsets || !IsSigned && TBlock.Zero != 0)
                offset = AddOffset(block, halves, sums, offset);
        }
        return Vector256.Sum(even + odd) + offset;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddBlock(byte* block, float* halves, sbyte* x, float* scale, Vector256<float> sum)
    {
        Vector256<int> dot = IsSigned
            ? TParts.SignedDot(TBlock.ReadCodes(block, 0), Vector256.Load(x))
            : TParts.Dot(TBlock.ReadStored(block, 0), Vector256.Load(x));
        return Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(dot), Vector256.Create(TBlock.ReadScale(block, halves) * *scale), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float AddOffset(byte* block, float* halves, float* sum, float offset) =>
        TBlock.HasOffsets
            ? MathF.FusedMultiplyAdd(TBlock.ReadOffset(block, halves), *sum, offset)
            : MathF.FusedMultiplyAdd(TBlock.ReadScale(block, halves) * -TBlock.Zero, *sum, offset);

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotLong(byte* block, int blockCount, sbyte* x, float* scales, short* sums)
    {
        float* halves = HalfTable.Values;
        Vector256<float> result = Vector256<float>.Zero;
        Vector256<float> minima = Vector256<float>.Zero;
        for (; blockCount > 0; blockCount--)
        {
            for (int i = 0; i < TBlock.ByteCount; i += 64)
                TParts.Prefetch(block + PrefetchDistance + i);
            Vector256<short> groupScales = TBlock.GroupLength == 256 ? Vector256<short>.One : TBlock.ReadIntegerScales(block);
            Vector256<int> even = AddPart(block, x, groupScales, 0, Vector256<int>.Zero);
            Vector256<int> odd = AddPart(block, x, groupScales, 1, Vector256<int>.Zero);
            even = AddPart(block, x, groupScales, 2, even);
            odd = AddPart(block, x, groupScales, 3, odd);
            even = AddPart(block, x, groupScales, 4, even);
            odd = AddPart(block, x, groupScales, 5, odd);
            even = AddPart(block, x, groupScales, 6, even);
            odd = AddPart(block, x, groupScales, 7, odd);
            Vector256<int> sum = even + odd;
            if (!IsSigned && TBlock.Zero != 0)
                sum -= TParts.MultiplyPairs(groupScales, Vector256.Load(sums)) * Vector256.Create(TBlock.Zero);
            result = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(sum), Vector256.Create(TBlock.ReadScale(block, halves) * *scales), result);
            if (TBlock.HasOffsets)
            {
                Vector256<int> products = TParts.MultiplyPairs(TBlock.ReadIntegerMinima(block), Vector256.Load(sums));
                minima = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(products), Vector256.Create(TBlock.ReadMinimumScale(block, halves) * *scales), minima);
            }
            block += TBlock.ByteCount;
            x += 256;
            scales++;
            sums += 16;
        }
        return Vector256.Sum(result - minima);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> AddPart(byte* block, sbyte* x, Vector256<short> scales, int part, Vector256<int> sum)
    {
        Vector256<sbyte> activations = Vector256.Load(x + ICodeBlock.PartLength * part);
        Vector256<short> own = TBlock.GroupLength == 256 ? scales : TParts.Spread(scales, part);
        return IsSigned
            ? TParts.AddSignedDot(sum, TBlock.ReadCodes(block, part), activations, own)
            : TParts.AddDot(sum, TBlock.ReadStored(block, part), activations, own);
    }
}
