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

    public static int ScaleWord(int scale) => (scale & 0xffff) | scale << 16;

    public static int StartWord(int firstPair, int secondPair) => (firstPair & 0xffff) | secondPair << 16;

    private static Vector512<float> ToSingle(Vector512<byte> words) => Avx512F.ConvertToVector512Single(words.AsInt32());
}
