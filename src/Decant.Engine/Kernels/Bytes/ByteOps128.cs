using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;
using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Four rows: Arm's dot product of signed bytes (<c>sdot</c>) where the processor has it, else products widened to 16 bits and added in pairs,
/// by AdvSimd or SSE. Codes are signed, so sums start from zero.
/// </summary>
internal readonly unsafe struct ByteOps128 : IByteOps<Vector128<byte>>
{
    public static int Rows => 4;

    public static bool HasManyRegisters => AdvSimd.IsSupported;

    public static bool TakesSignedCodes => true;

    public static int LargestCode => 255;

    public static Vector128<byte> Zero => Vector128<byte>.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load(void* source) => Vector128.Load((byte*)source);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Store(void* destination, Vector128<byte> value) => value.Store((byte*)destination);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void LoadTransposed(byte* source, long stride, out FourVectors<Vector128<byte>> words)
    {
        Vector128<int> row0 = Vector128.Load((int*)source), row1 = Vector128.Load((int*)(source + stride));
        Vector128<int> row2 = Vector128.Load((int*)(source + 2 * stride)), row3 = Vector128.Load((int*)(source + 3 * stride));
        Vector128<long> low01 = Transposition.ZipLow(row0.AsSingle(), row1.AsSingle()).AsInt64(), low23 = Transposition.ZipLow(row2.AsSingle(), row3.AsSingle()).AsInt64();
        Vector128<long> high01 = Transposition.ZipHigh(row0.AsSingle(), row1.AsSingle()).AsInt64(), high23 = Transposition.ZipHigh(row2.AsSingle(), row3.AsSingle()).AsInt64();
        words = new FourVectors<Vector128<byte>>(
            Vector128.Create(low01.GetLower(), low23.GetLower()).AsByte(), Vector128.Create(low01.GetUpper(), low23.GetUpper()).AsByte(),
            Vector128.Create(high01.GetLower(), high23.GetLower()).AsByte(), Vector128.Create(high01.GetUpper(), high23.GetUpper()).AsByte());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Field(Vector128<byte> bytes, int shift, byte mask) =>
        (shift == 0 ? bytes : Vector128.ShiftRightLogical(bytes.AsUInt16(), shift).AsByte()) & Vector128.Create(mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Join(Vector128<byte> a, Vector128<byte> b, int shift) => a | Vector128.ShiftLeft(b.AsUInt16(), shift).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LookUp(Vector128<byte> indices, Vector128<byte> table) => Vector128.ShuffleNative(table, indices);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ThirdsPassed(Vector128<byte> fractions) =>
        Vector128<byte>.Zero - Vector128.GreaterThan(fractions, Vector128.Create((byte)85)) - Vector128.GreaterThan(fractions, Vector128.Create((byte)170));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Triple(Vector128<byte> fractions) => fractions + fractions + fractions;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Bit(Vector128<byte> bytes, int from, int to) =>
        (from >= to ? Vector128.ShiftRightLogical(bytes.AsUInt16(), from - to) : Vector128.ShiftLeft(bytes.AsUInt16(), to - from)).AsByte() & Vector128.Create((byte)(1 << to));

    // Each step exchanges two binary digits of every bit's number: 16 and 2, 8 and 1, 4 and 2, 2 and 1.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> BitsByColumn(Vector128<byte> words)
    {
        Vector128<uint> bits = words.AsUInt32();
        bits = Exchange(bits, 14, 0x0000_cccc);
        bits = Exchange(bits, 7, 0x00aa_00aa);
        bits = Exchange(bits, 2, 0x0c0c_0c0c);
        return Exchange(bits, 1, 0x2222_2222).AsByte();
    }

    // Bits at the places of the mask change places with those so much further on.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Exchange(Vector128<uint> bits, int distance, uint mask)
    {
        Vector128<uint> differing = (Vector128.ShiftRightLogical(bits, distance) ^ bits) & Vector128.Create(mask);
        return bits ^ differing ^ Vector128.ShiftLeft(differing, distance);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Broadcast(void* source) => Vector128.Create(Unsafe.ReadUnaligned<int>(source)).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Accumulate(Vector128<byte> sums, Vector128<byte> codes, Vector128<byte> activations)
    {
        if (Dp.IsSupported)
            return Dp.DotProduct(sums.AsInt32(), codes.AsSByte(), activations.AsSByte()).AsByte();
        return (sums.AsInt32() + Dot(codes.AsSByte(), activations.AsSByte())).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ScaleSums(Vector128<byte> sums, Vector128<byte> scaleWords) => (sums.AsInt32() * scaleWords.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> JoinSums(Vector128<byte> sums) => sums;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> MultiplyPairs(Vector128<byte> a, Vector128<byte> b)
    {
        if (Sse2.IsSupported)
            return Sse2.MultiplyAddAdjacent(a.AsInt16(), b.AsInt16()).AsByte();
        (Vector128<int> lowA, Vector128<int> highA) = Vector128.Widen(a.AsInt16());
        (Vector128<int> lowB, Vector128<int> highB) = Vector128.Widen(b.AsInt16());
        return AddNeighbours(lowA * lowB, highA * highB).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> AddWords(Vector128<byte> a, Vector128<byte> b) => (a.AsInt32() + b.AsInt32()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> AddScaled(Vector128<byte> sums, Vector128<byte> words, Vector128<byte> rowScales, float tokenScale) =>
        Ops128.MultiplyAdd(ToSingle(words), rowScales.AsSingle() * Vector128.Create(tokenScale), sums.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> AddProducts(Vector128<byte> sums, Vector128<byte> factors, float factor) =>
        Ops128.MultiplyAdd(factors.AsSingle(), Vector128.Create(factor), sums.AsSingle()).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadHalves(void* source) => Ops128.LoadFiniteHalf((byte*)source).AsByte();

    // The two smallest are denormal.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadPowers(void* source)
    {
        Vector128<int> exponents = Vector128.WidenLower(Vector128.WidenLower(Vector128.CreateScalar(Unsafe.ReadUnaligned<uint>(source)).AsByte())).AsInt32();
        Vector128<int> normal = Vector128.ShiftLeft(exponents - Vector128<int>.One, 23), denormal = Vector128.ShiftLeft(exponents + Vector128<int>.One, 21);
        return Vector128.ConditionalSelect(Vector128.LessThan(exponents, Vector128.Create(2)), denormal, normal).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadNibbles(void* source)
    {
        Vector128<uint> bits = Vector128.WidenLower(Vector64.Load((ushort*)source).ToVector128Unsafe());
        bits = (bits | Vector128.ShiftLeft(bits, 8)) & Vector128.Create(0x00ff_00ffu);
        return ((bits | Vector128.ShiftLeft(bits, 4)) & Vector128.Create(0x0f0f_0f0fu)).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ScaleByte(Vector128<byte> bytes, int index, Vector128<byte> scales)
    {
        Vector128<int> top = index == 3 ? bytes.AsInt32() : Vector128.ShiftLeft(bytes.AsInt32(), 24 - (8 * index));
        return (ToSingle(Vector128.ShiftRightArithmetic(top, 24).AsByte()) * scales.AsSingle()).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> ScaleWord(Vector128<byte> bytes, int index) =>
        Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(bytes.AsInt32(), 24 - 8 * index), 24).AsByte();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> PairWord(Vector128<byte> bytes, int first, int second)
    {
        Vector128<int> low = Vector128.ShiftRightLogical(bytes.AsInt32(), 8 * first) & Vector128.Create(255);
        return (low | Vector128.ShiftLeft(Vector128.ShiftRightLogical(bytes.AsInt32(), 8 * second) & Vector128.Create(255), 16)).AsByte();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Subtract(Vector128<byte> a, byte b) => a - Vector128.Create(b);

    public static Vector256<int> ScaleWords(Vector256<int> scales) => scales;

    public static int StartWord(int firstPair, int secondPair) => firstPair + secondPair;

    /// <summary>Four products added, lane by lane.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<int> Dot(Vector128<sbyte> codes, Vector128<sbyte> activations)
    {
        if (AdvSimd.IsSupported)
        {
            Vector128<short> low = AdvSimd.MultiplyWideningLower(codes.GetLower(), activations.GetLower());
            Vector128<short> high = AdvSimd.MultiplyWideningUpper(codes, activations);
            return AddNeighbours(AdvSimd.AddPairwiseWidening(low), AdvSimd.AddPairwiseWidening(high));
        }
        (Vector128<short> lowCodes, Vector128<short> highCodes) = Vector128.Widen(codes);
        (Vector128<short> lowActivations, Vector128<short> highActivations) = Vector128.Widen(activations);
        return AddNeighbours(
            MultiplyPairs(lowCodes.AsByte(), lowActivations.AsByte()).AsInt32(), MultiplyPairs(highCodes.AsByte(), highActivations.AsByte()).AsInt32());
    }

    // Sums of neighbouring lanes: two from a, then two from b.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> AddNeighbours(Vector128<int> a, Vector128<int> b)
    {
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(a, b);
        if (Ssse3.IsSupported)
            return Ssse3.HorizontalAdd(a, b);
        return Vector128.Create(a[0] + a[1], a[2] + a[3], b[0] + b[1], b[2] + b[3]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> ToSingle(Vector128<byte> words) => Vector128.ConvertToSingle(words.AsInt32());
}
