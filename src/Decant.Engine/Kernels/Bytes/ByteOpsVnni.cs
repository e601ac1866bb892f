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

    public static Vector256<byte> Load(void* source) => ByteOps256.Load(source);

    public static void Store(void* destination, Vector256<byte> value) => ByteOps256.Store(destination, value);

    public static void LoadTransposed(byte* source, long stride, out FourVectors<Vector256<byte>> words) => ByteOps256.LoadTransposed(source, stride, out words);

    public static Vector256<byte> Field(Vector256<byte> bytes, int shift, byte mask) => ByteOps256.Field(bytes, shift, mask);

    public static Vector256<byte> Join(Vector256<byte> a, Vector256<byte> b, int shift) => ByteOps256.Join(a, b, shift);

    public static Vector256<byte> Broadcast(void* source) => ByteOps256.Broadcast(source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> Accumulate(Vector256<byte> sums, Vector256<byte> codes, Vector256<byte> activations) =>
        AvxVnni.MultiplyWideningAndAdd(sums.AsInt32(), codes, activations.AsSByte()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ScaleSums(Vector256<byte> sums, Vector256<byte> scaleWords) => (sums.AsInt32() * scaleWords.AsInt32()).AsByte();

    public static Vector256<byte> JoinSums(Vector256<byte> sums) => sums;

    public static Vector256<byte> MultiplyPairs(Vector256<byte> a, Vector256<byte> b) => ByteOps256.MultiplyPairs(a, b);

    public static Vector256<byte> AddWords(Vector256<byte> a, Vector256<byte> b) => ByteOps256.AddWords(a, b);

    public static void AddScaled(Vector256<byte> words, float* rowScales, float tokenScale, float* destination) =>
        ByteOps256.AddScaled(words, rowScales, tokenScale, destination);

    public static void AddScaled(Vector256<byte> words, float* rowScales, Vector256<byte> minima, float* minimumScales, float tokenScale, float* destination) =>
        ByteOps256.AddScaled(words, rowScales, minima, minimumScales, tokenScale, destination);

    public static void AddScaled(Vector256<byte> words, float* rowScales, float tokenScale, float* offsets, float tokenSum, float* destination) =>
        ByteOps256.AddScaled(words, rowScales, tokenScale, offsets, tokenSum, destination);

    public static Vector256<byte> Subtract(Vector256<byte> a, byte b) => ByteOps256.Subtract(a, b);

    public static Vector256<int> ScaleWords(Vector256<int> scales) => scales;

    public static int StartWord(int firstPair, int secondPair) => firstPair + secondPair;
}
