using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>MXFP4 on lanes.</summary>
internal readonly unsafe struct MXFP4Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    private const float SmallestExact = 1e-34f;
    private const int MantissaMask = 0x7fffff;

    /// <summary>Mantissas from here on may have a logarithm that rounds up to the next integer.</summary>
    private const int FirstRoundedUp = 0x7fff00;

    public static int BlockLength => 32;

    public static int BlockByteCount => 17;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work;
        T max = LaneMath<T>.Maximum(values, 32);
        T exponent = max >>> 23;
        // The definition takes the floor of a rounded logarithm, which differs from the exponent just below a power of two; and
        // exponents that do not fit wrap around.
        T sound = max >= T.Create(SmallestExact) & T.FromInteger(max & T.FromBits(MantissaMask)) < T.Create((float)FirstRoundedUp)
            | max <= LaneMath<T>.Zero;
        T isZero = max <= LaneMath<T>.Zero;
        T shared = T.Select(isZero, LaneMath<T>.Zero, T.AddIntegers(exponent, T.FromBits(-2)));
        // 2^(e - 128), exact for the lanes kept; any power of two serves a block of zeros.
        T step = T.Select(isZero, T.Create(1f), T.AddIntegers(shared, T.FromBits(-1)) << 23);
        for (int i = 0; i < 32; i++)
            codes[i] = E2M1Lanes<T>.Code(values[i], step);
        bytes[0] = shared;
        LanePlanes<T>.PackNibbles(codes, 16, bytes + 1);
        return sound;
    }
}
