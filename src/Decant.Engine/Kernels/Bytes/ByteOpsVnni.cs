using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Eight rows: AVX-VNNI. Four unsigned times signed bytes added to 32 bits in one instruction (<c>vpdpbusd</c>); codes may use all 8 bits.
/// The JIT keeps the accumulators of this instruction in the lower 16 registers, so a tile has no more of them than with AVX2.
/// </summary>
internal readonly unsafe struct ByteOpsVnni : IByteOps<Vector256<byte>>
{
    public static int Rows => ByteOps256.Rows;

    public static bool HasManyRegisters => false;

    public static bool TakesSignedCodes => false;

    public static int LargestCode => 255;

    public static Vector256<byte> Zero => Vector256<byte>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Load(void* source) => ByteOps256.Load(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* destination, Vector256<byte> value) => ByteOps256.Store(destination, value);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadTransposed(byte* source, long stride, out FourVectors<Vector256<byte>> words) => ByteOps256.LoadTransposed(source, stride, out words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Field(Vector256<byte> bytes, int shift, byte mask) => ByteOps256.Field(bytes, shift, mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Join(Vector256<byte> a, Vector256<byte> b, int shift) => ByteOps256.Join(a, b, shift);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LookUp(Vector256<byte> indices, Vector128<byte> table) => ByteOps256.LookUp(indices, table);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ThirdsPassed(Vector256<byte> fractions) =>
        ByteOps256.ThirdsPassed(fractions);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Triple(Vector256<byte> fractions) => ByteOps256.Triple(fractions);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Bit(Vector256<byte> bytes, int from, int to) => ByteOps256.Bit(bytes, from, to);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> BitsByColumn(Vector256<byte> words) => ByteOps256.BitsByColumn(words);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Broadcast(void* source) => ByteOps256.Broadcast(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Accumulate(Vector256<byte> sums, Vector256<byte> codes, Vector256<byte> activations) =>
        AvxVnni.MultiplyWideningAndAdd(sums.AsInt32(), codes, activations.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ScaleSums(Vector256<byte> sums, Vector256<byte> scaleWords) => (sums.AsInt32() * scaleWords.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> JoinSums(Vector256<byte> sums) => sums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> MultiplyPairs(Vector256<byte> a, Vector256<byte> b) => ByteOps256.MultiplyPairs(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddWords(Vector256<byte> a, Vector256<byte> b) => ByteOps256.AddWords(a, b);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddScaled(Vector256<byte> sums, Vector256<byte> words, Vector256<byte> rowScales, float tokenScale) =>
        ByteOps256.AddScaled(sums, words, rowScales, tokenScale);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> AddProducts(Vector256<byte> sums, Vector256<byte> factors, float factor) => ByteOps256.AddProducts(sums, factors, factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadHalves(void* source) => ByteOps256.LoadHalves(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadPowers(void* source) => ByteOps256.LoadPowers(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> LoadNibbles(void* source) => ByteOps256.LoadNibbles(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ScaleByte(Vector256<byte> bytes, int index, Vector256<byte> scales) => ByteOps256.ScaleByte(bytes, index, scales);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ScaleWord(Vector256<byte> bytes, int index) =>
        Vector256.ShiftRightArithmetic(Vector256.ShiftLeft(bytes.AsInt32(), 24 - 8 * index), 24).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> PairWord(Vector256<byte> bytes, int first, int second) => ByteOps256.PairWord(bytes, first, second);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Subtract(Vector256<byte> a, byte b) => ByteOps256.Subtract(a, b);

    public static Vector256<int> ScaleWords(Vector256<int> scales) => scales;

    public static int StartWord(int firstPair, int secondPair) => firstPair + secondPair;
}
