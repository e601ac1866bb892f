using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Vectors;

/// <summary>
/// The single-precision operations of one vector width. Code written over this interface is compiled once per width, with every
/// call turned into an instruction; <see cref="ScalarOps"/> is the width of one.
/// </summary>
/// <typeparam name="TVector">The vector: <c>Vector512&lt;float&gt;</c>, <c>Vector256&lt;float&gt;</c>, <c>Vector128&lt;float&gt;</c> or <c>float</c>.</typeparam>
internal unsafe interface IVectorOps<TVector> : IRealOps<TVector, float>
    where TVector : struct
{
    /// <summary>a − b.</summary>
    static abstract TVector Subtract(TVector a, TVector b);

    /// <summary>a / b.</summary>
    static abstract TVector Divide(TVector a, TVector b);

    /// <summary>The smaller.</summary>
    static abstract TVector Min(TVector a, TVector b);

    /// <summary>The nearest whole number, ties to even.</summary>
    static abstract TVector Round(TVector a);

    /// <summary>x · 2ⁿ for whole n in [−126, 127].</summary>
    static abstract TVector Scale(TVector x, TVector n);

    /// <summary>Lanes 2i and 2i + 1 exchanged; not for <see cref="ScalarOps"/>.</summary>
    static abstract TVector SwapPairs(TVector a);

    /// <summary>The magnitude of a with the sign of b.</summary>
    static abstract TVector CopySign(TVector a, TVector b);

    /// <summary>Lane by lane: less &lt; more ? whenTrue : whenFalse.</summary>
    static abstract TVector SelectLess(TVector less, TVector more, TVector whenTrue, TVector whenFalse);

    /// <summary>The sums of the lanes of four vectors, side by side, in a fixed order.</summary>
    static abstract Vector128<float> SumFour(TVector a, TVector b, TVector c, TVector d);

    /// <summary>The largest lane.</summary>
    static abstract float MaxAcross(TVector a);

    /// <summary>Adds the products of codes 16 · half to 16 · half + 15 with 16 floats, lane by lane.</summary>
    static abstract TVector MultiplyAddCodes(Vector256<sbyte> codes, int half, float* x, TVector sum);

    /// <summary>Stores codes 16 · half to 16 · half + 15 times a scale.</summary>
    static abstract void StoreCodes(Vector256<sbyte> codes, int half, float scale, float* target);

    /// <summary>Stores codes 16 · half to 16 · half + 15 times a scale, rounded, plus an offset.</summary>
    static abstract void StoreCodes(Vector256<sbyte> codes, int half, float scale, float offset, float* target);

    /// <summary>Half-precision numbers, infinity and NaN included.</summary>
    static abstract TVector LoadHalf(byte* source);

    /// <summary>Half-precision numbers if all are finite; infinity and NaN come out as large numbers. See <see cref="TrackHalves"/>.</summary>
    static abstract TVector LoadFiniteHalf(byte* source);

    /// <summary>As <see cref="LoadFiniteHalf"/>, in fewer instructions, but each vector with a denormal number costs about a hundred cycles.</summary>
    static abstract TVector LoadNormalHalf(byte* source);

    /// <summary>The first of two vectors of half-precision numbers that lie as <see cref="PairedHalves"/> stores them, in the lower halves of the lanes' bits.</summary>
    static abstract TVector FirstHalves(TVector pairs);

    /// <summary>The second of them, in the upper halves.</summary>
    static abstract TVector SecondHalves(TVector pairs);

    /// <summary>
    /// Remembers the largest magnitudes among 2 · <see cref="IRealOps{TVector, TElement}.Lanes"/> half-precision numbers, bits as they are; a check of many numbers costs an instruction or
    /// two for each vector in place of five.
    /// </summary>
    static abstract TVector TrackHalves(byte* source, TVector largest);

    /// <summary>True if a tracked number was infinite or NaN.</summary>
    static abstract bool HasSpecialHalf(TVector largest);

    /// <summary>Numbers that are the upper half of single precision.</summary>
    static abstract TVector LoadBrainFloat(byte* source);

    /// <summary>Signed bytes as numbers.</summary>
    static abstract TVector LoadSignedBytes(sbyte* source);

    /// <summary>Four bits of each byte as numbers from 0 to 15.</summary>
    /// <param name="source">One byte for each lane.</param>
    /// <param name="shift">0 for the lower bits, 4 for the upper.</param>
    static abstract TVector LoadNibbles(byte* source, int shift);

    /// <summary>0, 1, 2, …</summary>
    static abstract TVector Indices { get; }
}
