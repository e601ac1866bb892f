using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q8_0 on lanes.</summary>
internal readonly unsafe struct Q8_0Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 32;

    public static int BlockByteCount => 34;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T d = LaneMath<T>.Maximum(values, 32) / T.Create(127f);
        T inverse = LaneMath<T>.InverseOrZero(d);
        T sound = LaneMath<T>.IsFinite(inverse);
        LanePlanes<T>.WriteHalf(d, bytes, ref sound);
        for (int i = 0; i < 32; i++)
            bytes[2 + i] = LaneMath<T>.HalfAway(values[i] * inverse);
        return sound;
    }
}
