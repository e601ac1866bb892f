using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

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

    public static Vector512<byte> Load(void* source) => Vector512.Load((byte*)source);

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

    public static Vector512<byte> Broadcast(void* source) => Vector512.Create(Unsafe.ReadUnaligned<int>(source)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<byte> Accumulate(Vector512<byte> sums, Vector512<byte> codes, Vector512<byte> activations) =>
        Avx512BW.Add(sums.AsInt16(), Avx512BW.MultiplyAddAdjacent(codes, activations.AsSByte())).AsByte();

    public static Vector512<byte> ScaleSums(Vector512<byte> sums, Vector512<byte> scaleWords) => MultiplyPairs(sums, scaleWords);

    public static Vector512<byte> JoinSums(Vector512<byte> sums) => MultiplyPairs(sums, Vector512<short>.One.AsByte());

    public static Vector512<byte> MultiplyPairs(Vector512<byte> a, Vector512<byte> b) =>
        Avx512BW.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();

    public static Vector512<byte> AddWords(Vector512<byte> a, Vector512<byte> b) => Avx512F.Add(a.AsInt32(), b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(Vector512<byte> words, float* rowScales, float tokenScale, float* destination)
    {
        Vector512<float> scale = Vector512.Load(rowScales) * Vector512.Create(tokenScale);
        Vector512.FusedMultiplyAdd(ToSingle(words), scale, Vector512.Load(destination)).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(Vector512<byte> words, float* rowScales, Vector512<byte> minima, float* minimumScales, float tokenScale, float* destination)
    {
        Vector512<float> token = Vector512.Create(tokenScale);
        Vector512<float> sum = Vector512.FusedMultiplyAdd(ToSingle(words), Vector512.Load(rowScales) * token, Vector512.Load(destination));
        Vector512.FusedMultiplyAdd(ToSingle(minima), Vector512.Load(minimumScales) * token, sum).Store(destination);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AddScaled(Vector512<byte> words, float* rowScales, float tokenScale, float* offsets, float tokenSum, float* destination)
    {
        Vector512<float> scale = Vector512.Load(rowScales) * Vector512.Create(tokenScale);
        Vector512<float> sum = Vector512.FusedMultiplyAdd(ToSingle(words), scale, Vector512.Load(destination));
        Vector512.FusedMultiplyAdd(Vector512.Load(offsets), Vector512.Create(tokenSum), sum).Store(destination);
    }

    public static Vector512<byte> Subtract(Vector512<byte> a, byte b) => a - Vector512.Create(b);

    public static Vector256<int> ScaleWords(Vector256<int> scales) => (scales & Vector256.Create(0xffff)) | Vector256.ShiftLeft(scales, 16);

    public static int StartWord(int firstPair, int secondPair) => (firstPair & 0xffff) | secondPair << 16;

    private static Vector512<float> ToSingle(Vector512<byte> words) => Avx512F.ConvertToVector512Single(words.AsInt32());
}
