using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;

namespace Decant.Engine.Kernels.Vectors;

/// <summary>Four lanes: Arm AdvSimd and x86 without AVX2, through the portable vector type.</summary>
internal readonly unsafe struct Ops128 : IVectorOps<Vector128<float>>
{
    public static int Lanes => 4;

    public static bool HasManyRegisters => AdvSimd.Arm64.IsSupported;

    public static Vector128<float> Indices => Vector128<float>.Indices;

    public static Vector128<float> Load(float* source) => Vector128.Load(source);

    public static void Store(float* destination, Vector128<float> value) => value.Store(destination);

    public static Vector128<float> Create(float value) => Vector128.Create(value);

    public static Vector128<float> Add(Vector128<float> a, Vector128<float> b) => a + b;

    public static Vector128<float> Subtract(Vector128<float> a, Vector128<float> b) => a - b;

    public static Vector128<float> Multiply(Vector128<float> a, Vector128<float> b) => a * b;

    public static Vector128<float> Divide(Vector128<float> a, Vector128<float> b) => a / b;

    public static Vector128<float> MultiplyAdd(Vector128<float> a, Vector128<float> b, Vector128<float> c) => Vector128.FusedMultiplyAdd(a, b, c);

    public static Vector128<float> Max(Vector128<float> a, Vector128<float> b) => Vector128.MaxNative(a, b);

    public static Vector128<float> Min(Vector128<float> a, Vector128<float> b) => Vector128.MinNative(a, b);

    public static Vector128<float> Abs(Vector128<float> a) => Vector128.Abs(a);

    public static Vector128<float> Round(Vector128<float> a) => Vector128.Round(a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> Scale(Vector128<float> x, Vector128<float> n) =>
        x * Vector128.ShiftLeft(Vector128.ConvertToInt32Native(n) + Vector128.Create(127), 23).AsSingle();

    public static Vector128<float> SwapPairs(Vector128<float> a) => Vector128.Shuffle(a, Vector128.Create(1, 0, 3, 2));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> CopySign(Vector128<float> a, Vector128<float> b) => Vector128.ConditionalSelect(Vector128.Create(-0f), b, a);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SelectLess(Vector128<float> less, Vector128<float> more, Vector128<float> whenTrue, Vector128<float> whenFalse) =>
        Vector128.ConditionalSelect(Vector128.LessThan(less, more), whenTrue, whenFalse);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float Sum(Vector128<float> a)
    {
        Vector128<float> pairs = a + Vector128.Shuffle(a, Vector128.Create(2, 3, 0, 1));
        return pairs[0] + pairs[1];
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SumFour(Vector128<float> a, Vector128<float> b, Vector128<float> c, Vector128<float> d)
    {
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.AddPairwise(AdvSimd.Arm64.AddPairwise(a, b), AdvSimd.Arm64.AddPairwise(c, d));
        return Vector128.Create(Sum(a), Sum(b), Sum(c), Sum(d));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float MaxAcross(Vector128<float> a)
    {
        Vector128<float> pairs = Vector128.MaxNative(a, Vector128.Shuffle(a, Vector128.Create(2, 3, 0, 1)));
        return MathF.Max(pairs[0], pairs[1]);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> MultiplyAddCodes(Vector256<sbyte> codes, int half, float* x, Vector128<float> sum)
    {
        Vector128<sbyte> own = Half(codes, half);
        sum = Vector128.FusedMultiplyAdd(Widen(own, 0), Vector128.Load(x), sum);
        sum = Vector128.FusedMultiplyAdd(Widen(own, 1), Vector128.Load(x + 4), sum);
        sum = Vector128.FusedMultiplyAdd(Widen(own, 2), Vector128.Load(x + 8), sum);
        return Vector128.FusedMultiplyAdd(Widen(own, 3), Vector128.Load(x + 12), sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float* target)
    {
        Vector128<sbyte> own = Half(codes, half);
        (Widen(own, 0) * Vector128.Create(scale)).Store(target);
        (Widen(own, 1) * Vector128.Create(scale)).Store(target + 4);
        (Widen(own, 2) * Vector128.Create(scale)).Store(target + 8);
        (Widen(own, 3) * Vector128.Create(scale)).Store(target + 12);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float offset, float* target)
    {
        Vector128<sbyte> own = Half(codes, half);
        ((Widen(own, 0) * Vector128.Create(scale)) + Vector128.Create(offset)).Store(target);
        ((Widen(own, 1) * Vector128.Create(scale)) + Vector128.Create(offset)).Store(target + 4);
        ((Widen(own, 2) * Vector128.Create(scale)) + Vector128.Create(offset)).Store(target + 8);
        ((Widen(own, 3) * Vector128.Create(scale)) + Vector128.Create(offset)).Store(target + 12);
    }

    private static Vector128<sbyte> Half(Vector256<sbyte> codes, int half) => half == 0 ? codes.GetLower() : codes.GetUpper();

    // Codes 4 · index to 4 · index + 3.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Widen(Vector128<sbyte> codes, int index)
    {
        Vector128<short> pairs = index < 2 ? Vector128.WidenLower(codes) : Vector128.WidenUpper(codes);
        return Vector128.ConvertToSingle(index % 2 == 0 ? Vector128.WidenLower(pairs) : Vector128.WidenUpper(pairs));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadHalf(byte* source)
    {
        Vector128<int> isSpecial = Vector128.GreaterThan(WidenSigned(source) & Vector128.Create(0x7fff), Vector128.Create(0x7bff));
        Vector128<int> value = LoadFiniteHalf(source).AsInt32();
        return Vector128.ConditionalSelect(isSpecial, value | Vector128.Create(0x7f800000), value).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadFiniteHalf(byte* source)
    {
        // The magnitude with its bias corrected; where the exponent is zero it lies between 2^-15 and 2^-14 for a number that is twice as far above 0, and
        // only there doubling the distance makes it smaller. No step meets a denormal number: multiplying one costs the processor a hundred cycles.
        Vector128<int> bits = WidenSigned(source);
        Vector128<float> value = ((Vector128.ShiftLeft(bits, 13) & Vector128.Create(0x0fffe000)) + Vector128.Create(112 << 23)).AsSingle();
        Vector128<float> least = Min(value, MultiplyAdd(value, Vector128.Create(2f), Vector128.Create(-6.103515625e-05f)));
        return Vector128.ConditionalSelect(Vector128.Create(int.MinValue), bits, least.AsInt32()).AsSingle();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadNormalHalf(byte* source)
    {
        // The multiplication, by 2^112, corrects the bias and denormals at once.
        return HalfBits(source).AsSingle() * Vector128.Create(5.192296858534828e33f);
    }

    // Sign-extended and shifted so that sign, exponent and mantissa are in place.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<int> HalfBits(byte* source) => Vector128.ShiftLeft(WidenSigned(source), 13) & Vector128.Create(unchecked((int)0x8fffe000));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> FirstHalves(Vector128<float> pairs) => SecondHalves(Vector128.ShiftLeft(pairs.AsInt32(), 16).AsSingle());

    // Three bits on they are single precision but for the sign's copies and for the exponent, which the factor puts right.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> SecondHalves(Vector128<float> pairs) =>
        (Vector128.ShiftRightArithmetic(pairs.AsInt32(), 3) & Vector128.Create(unchecked((int)0x8fffe000))).AsSingle() * Vector128.Create(PairedHalves.Factor);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> TrackHalves(byte* source, Vector128<float> largest) =>
        Vector128.Max(Vector128.ShiftLeft(Vector128.Load((ushort*)source), 1), largest.AsUInt16()).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HasSpecialHalf(Vector128<float> largest) => Vector128.GreaterThanOrEqualAny(largest.AsUInt16(), Vector128.Create((ushort)0xf800));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadBrainFloat(byte* source) => Vector128.ShiftLeft(WidenSigned(source), 16).AsSingle();

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadSignedBytes(sbyte* source) => Widen(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(source)).AsSByte(), 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<float> LoadNibbles(byte* source, int shift)
    {
        Vector128<byte> bytes = Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<int>(source)).AsByte();
        return Widen((Vector128.ShiftRightLogical(bytes, shift) & Vector128.Create((byte)15)).AsSByte(), 0);
    }

    private static Vector128<int> WidenSigned(byte* source) => Vector128.WidenLower(Vector128.CreateScalar(*(ulong*)source).AsInt16());
}
