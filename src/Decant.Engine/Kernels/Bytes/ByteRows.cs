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
    /// <summary>Where an instruction set has no tiles for a format, more tokens than this do better in single precision.</summary>
    public const int MostTokens = 9;

    private static bool IsSigned
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TBlock.LargestStored > 127;
    }

    // Ternary formats: codes of 2 bits without scales of groups.
    private static bool IsOneGroup
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TBlock.GroupLength == 256;
    }

    /// <summary>y[t · yStride + r] = Σ W[r, c] · x[t][c].</summary>
    public static void Multiply(byte* rows, long rowByteCount, int rowCount, ByteActivations input, int tokenCount, int columnCount, float* y, int yStride)
    {
        int blockCount = columnCount / TBlock.BlockLength;
        for (int row = 0; row < rowCount; row++)
        {
            byte* blocks = rows + row * rowByteCount;
            int token = 0;
            if (TBlock.BlockLength == 32 && IsSigned)
            {
                for (; token <= tokenCount - 4; token += 4)
                    DotSignedFour(blocks, blockCount, input.Codes(token), columnCount, input.Scales(token), y + (long)token * yStride + row, yStride);
            }
            for (; token < tokenCount; token++)
            {
                y[(long)token * yStride + row] = TBlock.BlockLength == 32
                    ? IsSigned
                        ? DotSigned(blocks, blockCount, input.Codes(token), input.Scales(token))
                        : DotShort(blocks, blockCount, input.Codes(token), input.Scales(token), input.ScaledSums(token))
                    : DotLong(blocks, blockCount, input.Codes(token), input.Scales(token), input.PartSums(token));
            }
        }
    }

    // Signed codes: each block by itself.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotSigned(byte* block, int blockCount, sbyte* x, float* scales)
    {
        float* halves = HalfTable.Values;
        Vector256<float> even = Vector256<float>.Zero;
        Vector256<float> odd = Vector256<float>.Zero;
        for (; blockCount > 1; blockCount -= 2)
        {
            Prefetching.RequestLine(block + Prefetching.StreamDistance);
            even = AddSigned(block, halves, x, scales, even);
            odd = AddSigned(block + TBlock.ByteCount, halves, x + 32, scales + 1, odd);
            block += 2 * TBlock.ByteCount;
            x += 64;
            scales += 2;
        }
        if (blockCount > 0)
            even = AddSigned(block, halves, x, scales, even);
        return Vector256.Sum(even + odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddSigned(byte* block, float* halves, sbyte* x, float* scale, Vector256<float> sum)
    {
        Vector256<int> dot = TParts.SignedDot(TBlock.ReadCodes(block, 0), Vector256.Load(x));
        return Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(dot), Vector256.Create(TBlock.ReadScale(block, halves) * *scale), sum);
    }

    // Four tokens, so that a block is read and made unsigned once for them.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void DotSignedFour(byte* block, int blockCount, sbyte* x, long columnCount, float* scales, float* y, long yStride)
    {
        float* halves = HalfTable.Values;
        Vector256<float> even0 = Vector256<float>.Zero, even1 = even0, even2 = even0, even3 = even0;
        Vector256<float> odd0 = even0, odd1 = even0, odd2 = even0, odd3 = even0;
        long scaleStride = columnCount / 32;
        for (; blockCount > 1; blockCount -= 2)
        {
            Prefetching.RequestLine(block + Prefetching.StreamDistance);
            Vector256<sbyte> codes = TBlock.ReadCodes(block, 0);
            Vector256<float> scale = Vector256.Create(TBlock.ReadScale(block, halves));
            even0 = AddScaled(codes, x, scales, scale, even0);
            even1 = AddScaled(codes, x + columnCount, scales + scaleStride, scale, even1);
            even2 = AddScaled(codes, x + 2 * columnCount, scales + 2 * scaleStride, scale, even2);
            even3 = AddScaled(codes, x + 3 * columnCount, scales + 3 * scaleStride, scale, even3);
            codes = TBlock.ReadCodes(block + TBlock.ByteCount, 0);
            scale = Vector256.Create(TBlock.ReadScale(block + TBlock.ByteCount, halves));
            odd0 = AddScaled(codes, x + 32, scales + 1, scale, odd0);
            odd1 = AddScaled(codes, x + columnCount + 32, scales + scaleStride + 1, scale, odd1);
            odd2 = AddScaled(codes, x + 2 * columnCount + 32, scales + 2 * scaleStride + 1, scale, odd2);
            odd3 = AddScaled(codes, x + 3 * columnCount + 32, scales + 3 * scaleStride + 1, scale, odd3);
            block += 2 * TBlock.ByteCount;
            x += 64;
            scales += 2;
        }
        if (blockCount > 0)
        {
            Vector256<sbyte> codes = TBlock.ReadCodes(block, 0);
            Vector256<float> scale = Vector256.Create(TBlock.ReadScale(block, halves));
            even0 = AddScaled(codes, x, scales, scale, even0);
            even1 = AddScaled(codes, x + columnCount, scales + scaleStride, scale, even1);
            even2 = AddScaled(codes, x + 2 * columnCount, scales + 2 * scaleStride, scale, even2);
            even3 = AddScaled(codes, x + 3 * columnCount, scales + 3 * scaleStride, scale, even3);
        }
        y[0] = Vector256.Sum(even0 + odd0);
        y[yStride] = Vector256.Sum(even1 + odd1);
        y[2 * yStride] = Vector256.Sum(even2 + odd2);
        y[3 * yStride] = Vector256.Sum(even3 + odd3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddScaled(Vector256<sbyte> codes, sbyte* x, float* tokenScale, Vector256<float> scale, Vector256<float> sum) =>
        Vector256.FusedMultiplyAdd(
            Vector256.ConvertToSingle(TParts.SignedDot(codes, Vector256.Load(x))), scale * Vector256.Create(*tokenScale), sum);

    // Unsigned codes: two blocks side by side, one in each half of a vector.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotShort(byte* block, int blockCount, sbyte* x, float* scales, float* sums)
    {
        float* halves = HalfTable.Values;
        Vector256<float> even = Vector256<float>.Zero;
        Vector256<float> odd = Vector256<float>.Zero;
        Vector128<float> offset = Vector128<float>.Zero;
        for (; blockCount > 3; blockCount -= 4)
        {
            Prefetching.RequestLine(block + Prefetching.StreamDistance);
            even = AddPair(block, halves, x, scales, sums, even, ref offset);
            odd = AddPair(block + 2 * TBlock.ByteCount, halves, x + 64, scales + 2, sums + 2, odd, ref offset);
            block += 4 * TBlock.ByteCount;
            x += 128;
            scales += 4;
            sums += 4;
        }
        if (blockCount > 1)
        {
            even = AddPair(block, halves, x, scales, sums, even, ref offset);
            block += 2 * TBlock.ByteCount;
            x += 64;
            scales += 2;
            sums += 2;
        }
        if ((blockCount & 1) != 0)
        {
            Vector256<int> dot = TParts.Dot(TBlock.ReadStored(block, 0), Vector256.Load(x));
            float scale = TBlock.ReadScale(block, halves) * *scales;
            odd = Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(dot), Vector256.Create(scale), odd);
            float factor = TBlock.HasOffsets ? TBlock.ReadOffset(block, halves) : TBlock.ReadScale(block, halves);
            offset = Vector128.FusedMultiplyAdd(Vector128.CreateScalar(factor), Vector128.CreateScalar(*sums), offset);
        }
        float rest = offset[0] + offset[1];
        return Vector256.Sum(even + odd) + (TBlock.HasOffsets ? rest : -TBlock.Zero * rest);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> AddPair(byte* block, float* halves, sbyte* x, float* scales, float* sums, Vector256<float> sum, ref Vector128<float> offset)
    {
        TBlock.ReadStoredPair(block, out Vector256<byte> first, out Vector256<byte> second);
        Vector256<int> dot = TParts.DotPair(
            first, Vector256.Create(Vector128.Load(x), Vector128.Load(x + 32)), second, Vector256.Create(Vector128.Load(x + 16), Vector128.Load(x + 48)));
        Vector128<float> factors = Pair(TBlock.ReadScale(block, halves), TBlock.ReadScale(block + TBlock.ByteCount, halves));
        Vector128<float> offsets = TBlock.HasOffsets ? Pair(TBlock.ReadOffset(block, halves), TBlock.ReadOffset(block + TBlock.ByteCount, halves)) : factors;
        offset = Vector128.FusedMultiplyAdd(offsets, Pair(sums), offset);
        return Vector256.FusedMultiplyAdd(Vector256.ConvertToSingle(dot), TParts.SpreadHalves(factors * Pair(scales)), sum);
    }

    // Two numbers in the lower lanes; the upper are zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Pair(float first, float second) =>
        Vector128.CreateScalar((ulong)BitConverter.SingleToUInt32Bits(first) | (ulong)BitConverter.SingleToUInt32Bits(second) << 32).AsSingle();

    private static Vector128<float> Pair(float* source) => Vector128.CreateScalar(Unsafe.ReadUnaligned<ulong>(source)).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float DotLong(byte* block, int blockCount, sbyte* x, float* scales, short* sums)
    {
        float* halves = HalfTable.Values;
        Vector256<float> result = Vector256<float>.Zero;
        Vector256<float> minima = Vector256<float>.Zero;
        for (; blockCount > 0; blockCount--)
        {
            for (int i = 0; i < TBlock.ByteCount; i += 64)
                Prefetching.RequestLine(block + Prefetching.StreamDistance + i);
            Vector256<short> groupScales = IsOneGroup ? Vector256<short>.One : TBlock.ReadIntegerScales(block);
            Vector256<int> even = AddPart(block, x, groupScales, 0, Vector256<int>.Zero);
            Vector256<int> odd = AddPart(block, x, groupScales, 1, Vector256<int>.Zero);
            even = AddPart(block, x, groupScales, 2, even);
            odd = AddPart(block, x, groupScales, 3, odd);
            even = AddPart(block, x, groupScales, 4, even);
            odd = AddPart(block, x, groupScales, 5, odd);
            even = AddPart(block, x, groupScales, 6, even);
            odd = AddPart(block, x, groupScales, 7, odd);
            Vector256<int> sum = IsOneGroup ? TParts.JoinSums(even) + TParts.JoinSums(odd) : even + odd;
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
        if (IsOneGroup)
            return TParts.AddSmallDot(sum, TBlock.ReadStored(block, part), activations);
        Vector256<short> own = TParts.Spread(scales, part);
        return IsSigned
            ? TParts.AddSignedDot(sum, TBlock.ReadCodes(block, part), activations, own)
            : TParts.AddDot(sum, TBlock.ReadStored(block, part), activations, own);
    }
}
