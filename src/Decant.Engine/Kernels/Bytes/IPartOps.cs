using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>Dot products of one part of a stored row: 32 codes with the 32 activations they meet.</summary>
internal interface IPartOps
{
    /// <summary>sums + scale · (codes · activations), spread over eight lanes; all codes of a half share its scale.</summary>
    /// <param name="sums">Sums so far.</param>
    /// <param name="codes">Unsigned codes of at most 7 bits.</param>
    /// <param name="activations">Activations.</param>
    /// <param name="scales">In every 16-bit lane of a half the scale of that half's 16 codes.</param>
    static abstract Vector256<int> AddDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations, Vector256<short> scales);

    /// <summary>The same with signed codes.</summary>
    static abstract Vector256<int> AddSignedDot(Vector256<int> sums, Vector256<sbyte> codes, Vector256<sbyte> activations, Vector256<short> scales);

    /// <summary>first · firstActivations + second · secondActivations, each half by itself, spread over its four lanes; unsigned codes of at most 6 bits.</summary>
    static abstract Vector256<int> DotPair(Vector256<byte> first, Vector256<sbyte> firstActivations, Vector256<byte> second, Vector256<sbyte> secondActivations);

    /// <summary>Two numbers, each in the four lanes of a half.</summary>
    static abstract Vector256<float> SpreadHalves(Vector128<float> values);

    /// <summary>
    /// sums + codes · activations in the form that adds quickest; <see cref="JoinSums"/> turns it into eight lanes. For at most eight parts of codes of 2 bits.
    /// </summary>
    static abstract Vector256<int> AddSmallDot(Vector256<int> sums, Vector256<byte> codes, Vector256<sbyte> activations);

    /// <summary>Eight lanes from sums of <see cref="AddSmallDot"/>.</summary>
    static abstract Vector256<int> JoinSums(Vector256<int> sums);

    /// <summary>codes · activations, spread over eight lanes; unsigned codes of at most 7 bits.</summary>
    static abstract Vector256<int> Dot(Vector256<byte> codes, Vector256<sbyte> activations);

    /// <summary>codes · activations, spread over eight lanes.</summary>
    static abstract Vector256<int> SignedDot(Vector256<sbyte> codes, Vector256<sbyte> activations);

    /// <summary>The products of 16 pairs of 16-bit numbers, spread over eight lanes.</summary>
    static abstract Vector256<int> MultiplyPairs(Vector256<short> a, Vector256<short> b);

    /// <summary>In every 16-bit lane of a half the half's lane <paramref name="part"/>.</summary>
    static abstract Vector256<short> Spread(Vector256<short> values, int part);
}
