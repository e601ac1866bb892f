using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Eight rows: AVX2. Unsigned times signed bytes, neighbours added in 16 bits (<c>vpmaddubsw</c>), which codes of up to 6 bits never
/// overflow; a group's scale is applied when its two 16-bit sums are joined (<c>vpmaddwd</c>).
/// </summary>
internal readonly unsafe struct ByteOps256 : IByteOps<Vector256<byte>>
{
    public static int Rows => 8;

    public static bool HasManyRegisters => false;

    public static bool TakesSignedCodes => false;

    public static int LargestCode => 63;

    public static Vector256<byte> Zero => Vector256<byte>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(void* source) => Vector256.Load((byte*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* destination, Vector256<byte> value) => value.Store((byte*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadTransposed(byte* source, long stride, out FourVectors<Vector256<byte>> words)
    {
        // Within each half a 4 × 4 transposition: rows 4j to 4j + 3 are half j of the four registers.
        Vector256<int> row0 = EveryFourth(source, stride), row1 = EveryFourth(source + stride, stride);
        Vector256<int> row2 = EveryFourth(source + 2 * stride, stride), row3 = EveryFourth(source + 3 * stride, stride);
        Vector256<long> low01 = Avx2.UnpackLow(row0, row1).AsInt64(), low23 = Avx2.UnpackLow(row2, row3).AsInt64();
        Vector256<long> high01 = Avx2.UnpackHigh(row0, row1).AsInt64(), high23 = Avx2.UnpackHigh(row2, row3).AsInt64();
        words = new FourVectors<Vector256<byte>>(
            Avx2.UnpackLow(low01, low23).AsByte(), Avx2.UnpackHigh(low01, low23).AsByte(),
            Avx2.UnpackLow(high01, high23).AsByte(), Avx2.UnpackHigh(high01, high23).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> EveryFourth(byte* source, long stride) => Vector256.Create(Vector128.Load(source), Vector128.Load(source + 4 * stride)).AsInt32();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Field(Vector256<byte> bytes, int shift, byte mask) =>
        (shift == 0 ? bytes : Vector256.ShiftRightLogical(bytes.AsUInt16(), shift).AsByte()) & Vector256.Create(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Join(Vector256<byte> a, Vector256<byte> b, int shift) => a | Vector256.ShiftLeft(b.AsUInt16(), shift).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LookUp(Vector256<byte> indices, Vector128<byte> table) => Avx2.Shuffle(Vector256.Create(table, table), indices);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ThirdsPassed(Vector256<byte> fractions) =>
        Vector256<byte>.Zero - Vector256.GreaterThan(fractions, Vector256.Create((byte)85)) - Vector256.GreaterThan(fractions, Vector256.Create((byte)170));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Triple(Vector256<byte> fractions) => fractions + fractions + fractions;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Bit(Vector256<byte> bytes, int from, int to) =>
        (from >= to ? Vector256.ShiftRightLogical(bytes.AsUInt16(), from - to) : Vector256.ShiftLeft(bytes.AsUInt16(), to - from)).AsByte() & Vector256.Create((byte)(1 << to));

    // Each step exchanges two binary digits of every bit's number: 16 and 2, 8 and 1, 4 and 2, 2 and 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BitsByColumn(Vector256<byte> words)
    {
        Vector256<uint> bits = words.AsUInt32();
        bits = Exchange(bits, 14, 0x0000_cccc);
        bits = Exchange(bits, 7, 0x00aa_00aa);
        bits = Exchange(bits, 2, 0x0c0c_0c0c);
        return Exchange(bits, 1, 0x2222_2222).AsByte();
    }

    // Bits at the places of the mask change places with those so much further on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<uint> Exchange(Vector256<uint> bits, int distance, uint mask)
    {
        Vector256<uint> differing = (Vector256.ShiftRightLogical(bits, distance) ^ bits) & Vector256.Create(mask);
        return bits ^ differing ^ Vector256.ShiftLeft(differing, distance);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Broadcast(void* source) => Vector256.Create(Unsafe.ReadUnaligned<int>(source)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Accumulate(Vector256<byte> sums, Vector256<byte> codes, Vector256<byte> activations) =>
        Avx2.Add(sums.AsInt16(), Avx2.MultiplyAddAdjacent(codes, activations.AsSByte())).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ScaleSums(Vector256<byte> sums, Vector256<byte> scaleWords) => MultiplyPairs(sums, scaleWords);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> JoinSums(Vector256<byte> sums) => MultiplyPairs(sums, Vector256<short>.One.AsByte());

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> MultiplyPairs(Vector256<byte> a, Vector256<byte> b) =>
        Avx2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddWords(Vector256<byte> a, Vector256<byte> b) => Avx2.Add(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddScaled(Vector256<byte> sums, Vector256<byte> words, Vector256<byte> rowScales, float tokenScale) =>
        Vector256.FusedMultiplyAdd(ToSingle(words), rowScales.AsSingle() * Vector256.Create(tokenScale), sums.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddProducts(Vector256<byte> sums, Vector256<byte> factors, float factor) =>
        Vector256.FusedMultiplyAdd(factors.AsSingle(), Vector256.Create(factor), sums.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadHalves(void* source) => Ops256.LoadFiniteHalf((byte*)source).AsByte();

    // The two smallest are denormal.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadPowers(void* source)
    {
        Vector256<int> exponents = Avx2.ConvertToVector256Int32((byte*)source);
        Vector256<int> normal = Vector256.ShiftLeft(exponents - Vector256<int>.One, 23), denormal = Vector256.ShiftLeft(exponents + Vector256<int>.One, 21);
        return Vector256.ConditionalSelect(Vector256.LessThan(exponents, Vector256.Create(2)), denormal, normal).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadNibbles(void* source)
    {
        Vector256<uint> bits = Avx2.ConvertToVector256Int32(Vector128.Load((ushort*)source)).AsUInt32();
        bits = (bits | Vector256.ShiftLeft(bits, 8)) & Vector256.Create(0x00ff_00ffu);
        return ((bits | Vector256.ShiftLeft(bits, 4)) & Vector256.Create(0x0f0f_0f0fu)).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ScaleByte(Vector256<byte> bytes, int index, Vector256<byte> scales)
    {
        Vector256<int> top = index == 3 ? bytes.AsInt32() : Vector256.ShiftLeft(bytes.AsInt32(), 24 - (8 * index));
        return (ToSingle(Vector256.ShiftRightArithmetic(top, 24).AsByte()) * scales.AsSingle()).AsByte();
    }

    // The byte goes to the upper half of both 16-bit numbers of a lane and from there, with its sign, to the lower.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ScaleWord(Vector256<byte> bytes, int index) =>
        Vector256.ShiftRightArithmetic(Avx2.Shuffle(bytes, Places(0x0080_0080u | (uint)index << 8 | (uint)index << 24)).AsInt16(), 8).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> PairWord(Vector256<byte> bytes, int first, int second) =>
        Avx2.Shuffle(bytes, Places(0x8000_8000u | (uint)first | (uint)second << 16));

    public static bool HasQuickPairs => true;

    // The bytes go to the upper halves of the 16-bit numbers and from there, with their signs, to the lower.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> SignedPair(Vector256<byte> bytes, int index) =>
        Vector256.ShiftRightArithmetic(Avx2.Shuffle(bytes, Places(index == 0 ? 0x0180_0080u : 0x0380_0280u)).AsInt16(), 8).AsByte();

    // Where the bytes of a lane come from, counted from the lane's first; 128 and more mean zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Places(uint ofLane) =>
        (Vector256.Create(ofLane) + Vector256.Create(0u, 0x04040404, 0x08080808, 0x0c0c0c0c, 0u, 0x04040404, 0x08080808, 0x0c0c0c0c)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Subtract(Vector256<byte> a, byte b) => a - Vector256.Create(b);

    public static Vector256<int> ScaleWords(Vector256<int> scales) => (scales & Vector256.Create(0xffff)) | Vector256.ShiftLeft(scales, 16);

    public static int StartWord(int firstPair, int secondPair) => (firstPair & 0xffff) | secondPair << 16;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> ToSingle(Vector256<byte> words) => Avx.ConvertToVector256Single(words.AsInt32());
}
