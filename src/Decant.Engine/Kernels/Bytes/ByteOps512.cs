using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Sixteen rows: AVX-512BW. Unsigned times signed bytes, neighbours added in 16 bits (<c>vpmaddubsw</c>), which codes of up to 6 bits never
/// overflow; a group's scale is applied when its two 16-bit sums are joined (<c>vpmaddwd</c>).
/// </summary>
internal readonly unsafe struct ByteOps512 : IByteOps<Vector512<byte>>
{
    public static int Rows => 16;

    public static bool HasManyRegisters => true;

    public static bool TakesSignedCodes => false;

    public static int LargestCode => 63;

    public static Vector512<byte> Zero => Vector512<byte>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Load(void* source) => Vector512.Load((byte*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* destination, Vector512<byte> value) => value.Store((byte*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadTransposed(byte* source, long stride, out FourVectors<Vector512<byte>> words)
    {
        // Within each lane of 128 bits a 4 × 4 transposition: rows 4j to 4j + 3 are lane j of the four registers.
        Vector512<int> row0 = EveryFourth(source, stride), row1 = EveryFourth(source + stride, stride);
        Vector512<int> row2 = EveryFourth(source + 2 * stride, stride), row3 = EveryFourth(source + 3 * stride, stride);
        Vector512<long> low01 = Avx512F.UnpackLow(row0, row1).AsInt64(), low23 = Avx512F.UnpackLow(row2, row3).AsInt64();
        Vector512<long> high01 = Avx512F.UnpackHigh(row0, row1).AsInt64(), high23 = Avx512F.UnpackHigh(row2, row3).AsInt64();
        words = new FourVectors<Vector512<byte>>(
            Avx512F.UnpackLow(low01, low23).AsByte(), Avx512F.UnpackHigh(low01, low23).AsByte(),
            Avx512F.UnpackLow(high01, high23).AsByte(), Avx512F.UnpackHigh(high01, high23).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> EveryFourth(byte* source, long stride) => Vector512.Create(
        Vector256.Create(Vector128.Load(source), Vector128.Load(source + 4 * stride)),
        Vector256.Create(Vector128.Load(source + 8 * stride), Vector128.Load(source + 12 * stride))).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Field(Vector512<byte> bytes, int shift, byte mask) =>
        (shift == 0 ? bytes : Vector512.ShiftRightLogical(bytes.AsUInt16(), shift).AsByte()) & Vector512.Create(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Join(Vector512<byte> a, Vector512<byte> b, int shift) => a | Vector512.ShiftLeft(b.AsUInt16(), shift).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LookUp(Vector512<byte> indices, Vector128<byte> table)
    {
        // Four copies by one instruction, which the JIT keeps in a register; Vector512.Create puts them together anew at every call.
        Vector512<int> one = table.ToVector256Unsafe().ToVector512Unsafe().AsInt32();
        return Avx512BW.Shuffle(Avx512F.Shuffle4x128(one, one, 0).AsByte(), indices);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ThirdsPassed(Vector512<byte> fractions) =>
        Vector512.ConditionalSelect(
            Vector512.GreaterThan(fractions, Vector512.Create((byte)170)), Vector512.Create((byte)2),
            Vector512.ConditionalSelect(Vector512.GreaterThan(fractions, Vector512.Create((byte)85)), Vector512<byte>.One, Vector512<byte>.Zero));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Triple(Vector512<byte> fractions) => fractions + fractions + fractions;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Bit(Vector512<byte> bytes, int from, int to) =>
        (from >= to ? Vector512.ShiftRightLogical(bytes.AsUInt16(), from - to) : Vector512.ShiftLeft(bytes.AsUInt16(), to - from)).AsByte() & Vector512.Create((byte)(1 << to));

    // Each step exchanges two binary digits of every bit's number: 16 and 2, 8 and 1, 4 and 2, 2 and 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> BitsByColumn(Vector512<byte> words)
    {
        Vector512<uint> bits = words.AsUInt32();
        bits = Exchange(bits, 14, 0x0000_cccc);
        bits = Exchange(bits, 7, 0x00aa_00aa);
        bits = Exchange(bits, 2, 0x0c0c_0c0c);
        return Exchange(bits, 1, 0x2222_2222).AsByte();
    }

    // Bits at the places of the mask change places with those so much further on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<uint> Exchange(Vector512<uint> bits, int distance, uint mask)
    {
        Vector512<uint> differing = (Vector512.ShiftRightLogical(bits, distance) ^ bits) & Vector512.Create(mask);
        return bits ^ differing ^ Vector512.ShiftLeft(differing, distance);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Broadcast(void* source) => Vector512.Create(Unsafe.ReadUnaligned<int>(source)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Accumulate(Vector512<byte> sums, Vector512<byte> codes, Vector512<byte> activations) =>
        Avx512BW.Add(sums.AsInt16(), Avx512BW.MultiplyAddAdjacent(codes, activations.AsSByte())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ScaleSums(Vector512<byte> sums, Vector512<byte> scaleWords) => MultiplyPairs(sums, scaleWords);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> JoinSums(Vector512<byte> sums) => MultiplyPairs(sums, Vector512<short>.One.AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> MultiplyPairs(Vector512<byte> a, Vector512<byte> b) =>
        Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> AddWords(Vector512<byte> a, Vector512<byte> b) => Avx512F.Add(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> AddScaled(Vector512<byte> sums, Vector512<byte> words, Vector512<byte> rowScales, float tokenScale) =>
        Vector512.FusedMultiplyAdd(ToSingle(words), rowScales.AsSingle() * Vector512.Create(tokenScale), sums.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> AddProducts(Vector512<byte> sums, Vector512<byte> factors, float factor) =>
        Vector512.FusedMultiplyAdd(factors.AsSingle(), Vector512.Create(factor), sums.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadHalves(void* source) => Ops512.LoadFiniteHalf((byte*)source).AsByte();

    // The two smallest are denormal.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadPowers(void* source)
    {
        Vector512<int> exponents = Avx512F.ConvertToVector512Int32(Vector128.Load((byte*)source));
        Vector512<int> normal = Vector512.ShiftLeft(exponents - Vector512<int>.One, 23), denormal = Vector512.ShiftLeft(exponents + Vector512<int>.One, 21);
        return Vector512.ConditionalSelect(Vector512.LessThan(exponents, Vector512.Create(2)), denormal, normal).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> LoadNibbles(void* source)
    {
        Vector512<uint> bits = Avx512F.ConvertToVector512UInt32(Vector256.Load((ushort*)source));
        bits = (bits | Vector512.ShiftLeft(bits, 8)) & Vector512.Create(0x00ff_00ffu);
        return ((bits | Vector512.ShiftLeft(bits, 4)) & Vector512.Create(0x0f0f_0f0fu)).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ScaleByte(Vector512<byte> bytes, int index, Vector512<byte> scales)
    {
        Vector512<int> top = index == 3 ? bytes.AsInt32() : Vector512.ShiftLeft(bytes.AsInt32(), 24 - (8 * index));
        return (ToSingle(Vector512.ShiftRightArithmetic(top, 24).AsByte()) * scales.AsSingle()).AsByte();
    }

    // The byte goes to the upper half of both 16-bit numbers of a lane and from there, with its sign, to the lower.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> ScaleWord(Vector512<byte> bytes, int index) =>
        Vector512.ShiftRightArithmetic(Avx512BW.Shuffle(bytes, Places(0x0080_0080u | (uint)index << 8 | (uint)index << 24)).AsInt16(), 8).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> PairWord(Vector512<byte> bytes, int first, int second) =>
        Avx512BW.Shuffle(bytes, Places(0x8000_8000u | (uint)first | (uint)second << 16));

    // Where the bytes of a lane come from, counted from the lane's first; 128 and more mean zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<byte> Places(uint ofLane) =>
        (Vector512.Create(ofLane) + Vector512.Create(0u, 0x04040404, 0x08080808, 0x0c0c0c0c, 0u, 0x04040404, 0x08080808, 0x0c0c0c0c, 0u, 0x04040404, 0x08080808, 0x0c0c0c0c, 0u, 0x04040404, 0x08080808, 0x0c0c0c0c)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Subtract(Vector512<byte> a, byte b) => a - Vector512.Create(b);

    public static Vector256<int> ScaleWords(Vector256<int> scales) => (scales & Vector256.Create(0xffff)) | Vector256.ShiftLeft(scales, 16);

    public static int StartWord(int firstPair, int secondPair) => (firstPair & 0xffff) | secondPair << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> ToSingle(Vector512<byte> words) => Avx512F.ConvertToVector512Single(words.AsInt32());
}
