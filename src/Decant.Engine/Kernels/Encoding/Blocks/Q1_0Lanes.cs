using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q1_0 on lanes.</summary>
internal readonly unsafe struct Q1_0Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 128;

    public static int BlockByteCount => 18;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T sum = LaneMath<T>.Zero;
        for (int i = 0; i < 128; i++)
            sum += T.Abs(values[i]);
        T sound = T.FromBits(-1);
        LanePlanes<T>.WriteHalf(sum / T.Create(128f), bytes, ref sound);
        for (int b = 0; b < 16; b++)
        {
            T packed = LaneMath<T>.Zero;
            for (int bit = 7; bit >= 0; bit--)
                packed = packed << 1 | T.FromBits(1) & values[8 * b + bit] >= LaneMath<T>.Zero;
            bytes[2 + b] = packed;
        }
        return sound;
    }
}
