using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>TQ2_0 on lanes.</summary>
internal readonly unsafe struct TQ2_0Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 256;

    public static int BlockByteCount => 66;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work;
        T sound = T.FromBits(-1);
        LanePlanes<T>.WriteHalf(RoundToTernary(values, 256, codes, ref sound), bytes + 64, ref sound);
        LanePlanes<T>.PackPairs(codes, 0, bytes);
        return sound;
    }

    /// <summary>Codes 0, 1, 2 for -d, 0, d, halves rounded away from zero; returns d, the largest magnitude.</summary>
    internal static T RoundToTernary(T* values, int count, T* codes, ref T sound)
    {
        T d = LaneMath<T>.Maximum(values, count);
        T inverse = LaneMath<T>.InverseOrZero(d);
        sound &= LaneMath<T>.IsFinite(inverse);
        for (int i = 0; i < count; i++)
        {
            T x = values[i] * inverse;
            T up = T.FromBits(1) & x >= T.Create(0.5f), down = T.FromBits(1) & x > T.Create(-0.5f);
            codes[i] = T.AddIntegers(up, down);
        }
        return d;
    }
}
