using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Vectors;

/// <summary>Sixteen lanes: AVX-512.</summary>
internal readonly unsafe struct Ops512 : IVectorOps<Vector512<float>>
{
    public static int Lanes => 16;

    public static bool HasManyRegisters => true;

    public static Vector512<float> Indices => Vector512<float>.Indices;

    public static Vector512<float> Load(float* source) => Vector512.Load(source);

    public static void Store(float* destination, Vector512<float> value) => value.Store(destination);

    public static Vector512<float> Create(float value) => Vector512.Create(value);

    public static Vector512<float> Add(Vector512<float> a, Vector512<float> b) => a + b;

    public static Vector512<float> Subtract(Vector512<float> a, Vector512<float> b) => a - b;

    public static Vector512<float> Multiply(Vector512<float> a, Vector512<float> b) => a * b;

    public static Vector512<float> Divide(Vector512<float> a, Vector512<float> b) => a / b;

    public static Vector512<float> MultiplyAdd(Vector512<float> a, Vector512<float> b, Vector512<float> c) => Vector512.FusedMultiplyAdd(a, b, c);

    public static Vector512<float> Max(Vector512<float> a, Vector512<float> b) => Vector512.MaxNative(a, b);

    public static Vector512<float> Min(Vector512<float> a, Vector512<float> b) => Vector512.MinNative(a, b);

    public static Vector512<float> Abs(Vector512<float> a) => Vector512.Abs(a);

    public static Vector512<float> Round(Vector512<float> a) => Avx512F.RoundScale(a, 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> Scale(Vector512<float> x, Vector512<float> n) =>
        x * Vector512.ShiftLeft(Vector512.ConvertToInt32Native(n) + Vector512.Create(127), 23).AsSingle();

    public static Vector512<float> SwapPairs(Vector512<float> a) => Avx512F.Permute4x32(a, 0xB1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> CopySign(Vector512<float> a, Vector512<float> b) => Vector512.ConditionalSelect(Vector512.Create(-0f), b, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SelectLess(Vector512<float> less, Vector512<float> more, Vector512<float> whenTrue, Vector512<float> whenFalse) =>
        Vector512.ConditionalSelect(Vector512.LessThan(less, more), whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector512<float> a) => Ops256.Sum(a.GetLower() + a.GetUpper());

    // Within each 128-bit lane: [a0 + a2, b0 + b2, a1 + a3, b1 + b3] and the like of c and d, then [a, b, c, d]; at last the lanes are added.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SumFour(Vector512<float> a, Vector512<float> b, Vector512<float> c, Vector512<float> d)
    {
        Vector512<double> ab = (Avx512F.UnpackLow(a, b) + Avx512F.UnpackHigh(a, b)).AsDouble();
        Vector512<double> cd = (Avx512F.UnpackLow(c, d) + Avx512F.UnpackHigh(c, d)).AsDouble();
        Vector512<float> lanes = Avx512F.UnpackLow(ab, cd).AsSingle() + Avx512F.UnpackHigh(ab, cd).AsSingle();
        Vector256<float> halves = lanes.GetLower() + lanes.GetUpper();
        return halves.GetLower() + halves.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vector512<float> a) => Ops256.MaxAcross(Vector256.MaxNative(a.GetLower(), a.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> MultiplyAddCodes(Vector256<sbyte> codes, int half, float* x, Vector512<float> sum) =>
        Vector512.FusedMultiplyAdd(Widen(Half(codes, half)), Vector512.Load(x), sum);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float* target) =>
        (Widen(Half(codes, half)) * Vector512.Create(scale)).Store(target);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float offset, float* target) =>
        ((Widen(Half(codes, half)) * Vector512.Create(scale)) + Vector512.Create(offset)).Store(target);

    private static Vector128<sbyte> Half(Vector256<sbyte> codes, int half) => half == 0 ? codes.GetLower() : codes.GetUpper();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Widen(Vector128<sbyte> codes) =>
        Avx512F.ConvertToVector512Single(Avx512F.ConvertToVector512Int32(codes));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadHalf(byte* source)
    {
        Vector512<int> isSpecial = Vector512.GreaterThan(WidenSigned(source) & Vector512.Create(0x7fff), Vector512.Create(0x7bff));
        Vector512<int> value = LoadFiniteHalf(source).AsInt32();
        return Vector512.ConditionalSelect(isSpecial, value | Vector512.Create(0x7f800000), value).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadFiniteHalf(byte* source)
    {
        // The magnitude with its bias corrected; where the exponent is zero it lies between 2^-15 and 2^-14 for a number that is twice as far above 0, and
        // only there doubling the distance makes it smaller. No step meets a denormal number: multiplying one costs the processor a hundred cycles.
        Vector512<int> bits = WidenSigned(source);
        Vector512<float> value = ((Vector512.ShiftLeft(bits, 13) & Vector512.Create(0x0fffe000)) + Vector512.Create(112 << 23)).AsSingle();
        Vector512<float> least = Min(value, MultiplyAdd(value, Vector512.Create(2f), Vector512.Create(-6.103515625e-05f)));
        return Vector512.ConditionalSelect(Vector512.Create(int.MinValue), bits, least.AsInt32()).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadNormalHalf(byte* source)
    {
        // The multiplication, by 2^112, corrects the bias and denormals at once.
        return HalfBits(source).AsSingle() * Vector512.Create(5.192296858534828e33f);
    }

    // Sign-extended and shifted so that sign, exponent and mantissa are in place.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<int> HalfBits(byte* source) => Vector512.ShiftLeft(WidenSigned(source), 13) & Vector512.Create(unchecked((int)0x8fffe000));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> FirstHalves(Vector512<float> pairs) => SecondHalves(Vector512.ShiftLeft(pairs.AsInt32(), 16).AsSingle());

    // Three bits on they are single precision but for the sign's copies and for the exponent, which the factor puts right.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> SecondHalves(Vector512<float> pairs) =>
        (Vector512.ShiftRightArithmetic(pairs.AsInt32(), 3) & Vector512.Create(unchecked((int)0x8fffe000))).AsSingle() * Vector512.Create(PairedHalves.Factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> TrackHalves(byte* source, Vector512<float> largest) =>
        Vector512.Max(Vector512.ShiftLeft(Vector512.Load((ushort*)source), 1), largest.AsUInt16()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasSpecialHalf(Vector512<float> largest) => Vector512.GreaterThanOrEqualAny(largest.AsUInt16(), Vector512.Create((ushort)0xf800));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadBrainFloat(byte* source) => Vector512.ShiftLeft(WidenSigned(source), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadSignedBytes(sbyte* source) => Widen(Vector128.Load(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector512<float> LoadNibbles(byte* source, int shift) => Avx512F.ConvertToVector512Single(
        Vector512.ShiftRightLogical(Avx512F.ConvertToVector512Int32(Vector128.Load(source)), shift) & Vector512.Create(15));

    private static Vector512<int> WidenSigned(byte* source) => Avx512F.ConvertToVector512Int32(Vector256.Load((short*)source));
}
