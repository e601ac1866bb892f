using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>
/// How private copies of half-precision rows lie: every element is multiplied by 2¹⁰, and a lane of 32 bits holds one of this vector and one of the next.
/// <code>
///   lane         0          1        ...    L − 1          L lanes of 32 bits; columns c to c + 2L − 1
///   upper 16   c + L    c + L + 1    ...   c + 2L − 1
///   lower 16     c        c + 1      ...   c + L − 1
/// </code>
/// So one load serves two vectors, and what takes most of a conversion is not needed: of finite halves below 64 none is denormal once it is 2¹⁰ times as large
/// (the least, 2⁻²⁴, is the least normal number then), and none is infinite or NaN. An element keeps its place in its vector, and its value is the stored one
/// exactly, so that products have the same bits as those of stored rows. Rows with larger elements or without whole pairs of vectors stay as they are stored.
/// </summary>
internal static unsafe class PairedHalves
{
    /// <summary>The exponent that numbers are raised by.</summary>
    public const int Exponent = 10;

    /// <summary>2^(112 − 10): what a number read as single precision, its exponent's bias that of half precision, is to be multiplied by.</summary>
    public const float Factor = 5.070602400912918e30f;

    private const int MantissaBitCount = 10;
    private const uint MagnitudeMask = 0x7fff;
    private const uint LargestDenormal = 0x03ff;

    // The exponent field reaches 30 when it is raised.
    private const uint LargestMagnitude = ((31 - Exponent) << MantissaBitCount) - 1;

    /// <summary>Stores elements so.</summary>
    /// <param name="source">Half-precision numbers.</param>
    /// <param name="count">Their number: whole rows.</param>
    /// <param name="rowLength">Elements of a row.</param>
    /// <param name="lanes">Lanes of a vector, a multiple of four.</param>
    /// <param name="target">Receives as many bytes.</param>
    /// <returns>False if an element is 64 or more, infinite or NaN, or if rows are not whole pairs of vectors.</returns>
    public static bool TryStore(ushort* source, long count, long rowLength, int lanes, uint* target)
    {
        if (rowLength % (2 * lanes) != 0)
            return false;
        Vector128<uint> largest = Vector128<uint>.Zero;
        for (long pair = 0; pair < count; pair += 2 * lanes)
        {
            for (int lane = 0; lane < lanes; lane += 4)
            {
                Vector128<uint> first = Raise(source + pair + lane, ref largest), second = Raise(source + pair + lanes + lane, ref largest);
                (first | Vector128.ShiftLeft(second, 16)).Store(target + pair / 2 + lane);
            }
        }
        return Vector128.LessThanOrEqualAll(largest, Vector128.Create(LargestMagnitude));
    }

    // Four elements times 2 to the exponent.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<uint> Raise(ushort* source, ref Vector128<uint> largest)
    {
        Vector128<uint> bits = Vector128.WidenLower(Vector128.CreateScalarUnsafe(Unsafe.ReadUnaligned<ulong>(source)).AsUInt16());
        Vector128<uint> magnitude = bits & Vector128.Create(MagnitudeMask);
        largest = Vector128.Max(largest, magnitude);
        Vector128<uint> normal = magnitude + Vector128.Create((uint)Exponent << MantissaBitCount);
        // A denormal is so many times 2⁻²⁴: as a single-precision number, that number has its mantissa and an exponent that differs by a constant.
        Vector128<uint> whole = Vector128.ShiftRightLogical(Vector128.ConvertToSingle(magnitude.AsInt32()).AsUInt32(), 23 - MantissaBitCount);
        Vector128<uint> denormal = (whole - Vector128.Create((127u - 15 + 24 - Exponent) << MantissaBitCount)) & ~Vector128.Equals(magnitude, Vector128<uint>.Zero);
        return Vector128.ConditionalSelect(Vector128.GreaterThan(magnitude, Vector128.Create(LargestDenormal)), normal, denormal) | (bits & Vector128.Create(0x8000u));
    }
}

/// <summary>Half precision as <see cref="PairedHalves"/> stores it.</summary>
internal readonly unsafe struct PairedHalfElement : IPlainElement
{
    public static string Format => HalfElement.Format;

    public static int ByteCount => HalfElement.ByteCount;

    public static bool IsPaired => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector First<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.FirstHalves(TOps.Load((float*)source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Second<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TOps.SecondHalves(TOps.Load((float*)source));

    public static TVector LoadFinite<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => throw new NotSupportedException();

    public static TVector Load<TVector, TOps>(byte* source)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => throw new NotSupportedException();
}
