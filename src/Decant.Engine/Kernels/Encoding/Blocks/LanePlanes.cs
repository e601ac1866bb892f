using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary><c>Decant.Core.Formats.CodePlanes</c> on lanes: codes and bytes are integers, one to a vector.</summary>
internal static unsafe class LanePlanes<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Byte i holds code i (low nibble) and code i + byteCount (high nibble).</summary>
    public static void PackNibbles(T* codes, int byteCount, T* bytes)
    {
        T low = T.FromBits(15);
        for (int i = 0; i < byteCount; i++)
            bytes[i] = codes[i] & low | codes[i + byteCount] << 4;
    }

    /// <summary>256 codes, each run of 64 in 32 bytes of nibbles.</summary>
    public static void PackNibbleRuns(T* codes, T* bytes)
    {
        for (int run = 0; run < 4; run++)
            PackNibbles(codes + 64 * run, 32, bytes + 32 * run);
    }

    /// <summary>Two bits of 256 codes from bit <paramref name="shift"/> on; each run of 128 takes 32 bytes of codes i, i + 32, i + 64, i + 96.</summary>
    public static void PackPairs(T* codes, int shift, T* bytes)
    {
        T pair = T.FromBits(3);
        for (int half = 0; half < 2; half++)
        {
            T* from = codes + 128 * half;
            for (int i = 0; i < 32; i++)
            {
                bytes[32 * half + i] = from[i] >>> shift & pair
                    | (from[i + 32] >>> shift & pair) << 2
                    | (from[i + 64] >>> shift & pair) << 4
                    | (from[i + 96] >>> shift & pair) << 6;
            }
        }
    }

    /// <summary>One bit of 256 codes in 32 bytes: bit i / 32 of byte i % 32.</summary>
    public static void PackBits(T* codes, int bit, T* bytes)
    {
        T one = T.FromBits(1);
        for (int i = 0; i < 32; i++)
        {
            T packed = LaneMath<T>.Zero;
            for (int run = 7; run >= 0; run--)
                packed = packed << 1 | codes[32 * run + i] >>> bit & one;
            bytes[i] = packed;
        }
    }

    /// <summary>32 codes of 5 bits: the fifth bits in four bytes (bit i of code i), then 16 bytes of nibbles.</summary>
    public static void PackFiveBits(T* codes, T* bytes)
    {
        T one = T.FromBits(1);
        for (int i = 0; i < 4; i++)
        {
            T packed = LaneMath<T>.Zero;
            for (int bit = 7; bit >= 0; bit--)
                packed = packed << 1 | codes[8 * i + bit] >>> 4 & one;
            bytes[i] = packed;
        }
        PackNibbles(codes, 16, bytes + 4);
    }

    /// <summary>The half nearest to a number as two bytes; clears the lanes of <paramref name="sound"/> where it is infinite or NaN.</summary>
    /// <returns>The stored number.</returns>
    public static T WriteHalf(T value, T* bytes, ref T sound)
    {
        sound &= LaneHalf<T>.IsStorable(value);
        T bits = LaneHalf<T>.Round(value, out T rounded);
        bytes[0] = bits;
        bytes[1] = bits >>> 8;
        return rounded;
    }
}
