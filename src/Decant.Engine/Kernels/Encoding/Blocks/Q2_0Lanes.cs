using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q2_0 on lanes.</summary>
internal readonly unsafe struct Q2_0Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 64;

    public static int BlockByteCount => 18;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work;
        T sound = T.FromBits(-1);
        LanePlanes<T>.WriteHalf(TQ2_0Lanes<T>.RoundToTernary(values, 64, codes, ref sound), bytes, ref sound);
        for (int b = 0; b < 16; b++)
            bytes[2 + b] = codes[4 * b] | codes[4 * b + 1] << 2 | codes[4 * b + 2] << 4 | codes[4 * b + 3] << 6;
        return sound;
    }
}
