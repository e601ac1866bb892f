using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Vectors;

/// <summary>Eight lanes: AVX2 with fused multiply–add.</summary>
internal readonly unsafe struct Ops256 : IVectorOps<Vector256<float>>
{
    public static int Lanes => 8;

    public static bool HasManyRegisters => false;

    public static Vector256<float> Indices => Vector256<float>.Indices;

    public static Vector256<float> Load(float* source) => Vector256.Load(source);

    public static void Store(float* destination, Vector256<float> value) => value.Store(destination);

    public static Vector256<float> Create(float value) => Vector256.Create(value);

    public static Vector256<float> Add(Vector256<float> a, Vector256<float> b) => a + b;

    public static Vector256<float> Subtract(Vector256<float> a, Vector256<float> b) => a - b;

    public static Vector256<float> Multiply(Vector256<float> a, Vector256<float> b) => a * b;

    public static Vector256<float> Divide(Vector256<float> a, Vector256<float> b) => a / b;

    public static Vector256<float> MultiplyAdd(Vector256<float> a, Vector256<float> b, Vector256<float> c) => Vector256.FusedMultiplyAdd(a, b, c);

    public static Vector256<float> Max(Vector256<float> a, Vector256<float> b) => Vector256.MaxNative(a, b);

    public static Vector256<float> Min(Vector256<float> a, Vector256<float> b) => Vector256.MinNative(a, b);

    public static Vector256<float> Abs(Vector256<float> a) => Vector256.Abs(a);

    public static Vector256<float> Round(Vector256<float> a) => Vector256.Round(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> Scale(Vector256<float> x, Vector256<float> n) =>
        x * Vector256.ShiftLeft(Vector256.ConvertToInt32Native(n) + Vector256.Create(127), 23).AsSingle();

    public static Vector256<float> SwapPairs(Vector256<float> a) => Avx.Permute(a, 0xB1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> CopySign(Vector256<float> a, Vector256<float> b) => Vector256.ConditionalSelect(Vector256.Create(-0f), b, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SelectLess(Vector256<float> less, Vector256<float> more, Vector256<float> whenTrue, Vector256<float> whenFalse) =>
        Vector256.ConditionalSelect(Vector256.LessThan(less, more), whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector256<float> a) => Ops128.Sum(a.GetLower() + a.GetUpper());

    // As in Ops512.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SumFour(Vector256<float> a, Vector256<float> b, Vector256<float> c, Vector256<float> d)
    {
        Vector256<double> ab = (Avx.UnpackLow(a, b) + Avx.UnpackHigh(a, b)).AsDouble();
        Vector256<double> cd = (Avx.UnpackLow(c, d) + Avx.UnpackHigh(c, d)).AsDouble();
        Vector256<float> lanes = Avx.UnpackLow(ab, cd).AsSingle() + Avx.UnpackHigh(ab, cd).AsSingle();
        return lanes.GetLower() + lanes.GetUpper();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vector256<float> a) => Ops128.MaxAcross(Vector128.MaxNative(a.GetLower(), a.GetUpper()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> MultiplyAddCodes(Vector256<sbyte> codes, int half, float* x, Vector256<float> sum)
    {
        Vector128<sbyte> own = Half(codes, half);
        sum = Vector256.FusedMultiplyAdd(Widen(own, 0), Vector256.Load(x), sum);
        return Vector256.FusedMultiplyAdd(Widen(own, 1), Vector256.Load(x + 8), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float* target)
    {
        Vector128<sbyte> own = Half(codes, half);
        (Widen(own, 0) * Vector256.Create(scale)).Store(target);
        (Widen(own, 1) * Vector256.Create(scale)).Store(target + 8);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float offset, float* target)
    {
        Vector128<sbyte> own = Half(codes, half);
        ((Widen(own, 0) * Vector256.Create(scale)) + Vector256.Create(offset)).Store(target);
        ((Widen(own, 1) * Vector256.Create(scale)) + Vector256.Create(offset)).Store(target + 8);
    }

    private static Vector128<sbyte> Half(Vector256<sbyte> codes, int half) => half == 0 ? codes.GetLower() : codes.GetUpper();

    // Codes 8 · index to 8 · index + 7.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Widen(Vector128<sbyte> codes, int index) =>
        Avx.ConvertToVector256Single(Avx2.ConvertToVector256Int32(index == 0 ? codes : Vector128.CreateScalar(codes.AsUInt64().GetElement(1)).AsSByte()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadHalf(byte* source)
    {
        Vector256<int> isSpecial = Vector256.GreaterThan(WidenSigned(source) & Vector256.Create(0x7fff), Vector256.Create(0x7bff));
        Vector256<int> value = LoadFiniteHalf(source).AsInt32();
        return Vector256.ConditionalSelect(isSpecial, value | Vector256.Create(0x7f800000), value).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadFiniteHalf(byte* source)
    {
        // The magnitude with its bias corrected; where the exponent is zero it lies between 2^-15 and 2^-14 for a number that is twice as far above 0, and
        // only there doubling the distance makes it smaller. No step meets a denormal number: multiplying one costs the processor a hundred cycles.
        Vector256<int> bits = WidenSigned(source);
        Vector256<float> value = ((Vector256.ShiftLeft(bits, 13) & Vector256.Create(0x0fffe000)) + Vector256.Create(112 << 23)).AsSingle();
        Vector256<float> least = Min(value, MultiplyAdd(value, Vector256.Create(2f), Vector256.Create(-6.103515625e-05f)));
        return Vector256.ConditionalSelect(Vector256.Create(int.MinValue), bits, least.AsInt32()).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadNormalHalf(byte* source)
    {
        // The multiplication, by 2^112, corrects the bias and denormals at once.
        return HalfBits(source).AsSingle() * Vector256.Create(5.192296858534828e33f);
    }

    // Sign-extended and shifted so that sign, exponent and mantissa are in place.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> HalfBits(byte* source) => Vector256.ShiftLeft(WidenSigned(source), 13) & Vector256.Create(unchecked((int)0x8fffe000));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> FirstHalves(Vector256<float> pairs) => SecondHalves(Vector256.ShiftLeft(pairs.AsInt32(), 16).AsSingle());

    // Three bits on they are single precision but for the sign's copies and for the exponent, which the factor puts right.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> SecondHalves(Vector256<float> pairs) =>
        (Vector256.ShiftRightArithmetic(pairs.AsInt32(), 3) & Vector256.Create(unchecked((int)0x8fffe000))).AsSingle() * Vector256.Create(PairedHalves.Factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> TrackHalves(byte* source, Vector256<float> largest) =>
        Vector256.Max(Vector256.ShiftLeft(Vector256.Load((ushort*)source), 1), largest.AsUInt16()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasSpecialHalf(Vector256<float> largest) => Vector256.GreaterThanOrEqualAny(largest.AsUInt16(), Vector256.Create((ushort)0xf800));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadBrainFloat(byte* source) => Vector256.ShiftLeft(WidenSigned(source), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadSignedBytes(sbyte* source) => Vector256.ConvertToSingle(Avx2.ConvertToVector256Int32(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<float> LoadNibbles(byte* source, int shift) => Vector256.ConvertToSingle(
        Vector256.ShiftRightLogical(Avx2.ConvertToVector256Int32(source), shift) & Vector256.Create(15));

    private static Vector256<int> WidenSigned(byte* source) => Avx2.ConvertToVector256Int32(Vector128.Load((short*)source));
}
