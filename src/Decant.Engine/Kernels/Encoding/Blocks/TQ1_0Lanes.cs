using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>TQ1_0 on lanes.</summary>
internal readonly unsafe struct TQ1_0Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 256;

    public static int BlockByteCount => 54;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work;
        T sound = T.FromBits(-1);
        LanePlanes<T>.WriteHalf(TQ2_0Lanes<T>.RoundToTernary(values, 256, codes, ref sound), bytes + 52, ref sound);
        for (int i = 0; i < 256; i++)
            codes[i] = T.FromInteger(codes[i]);
        Pack(codes, 32, 5, bytes);
        Pack(codes + 160, 16, 5, bytes + 32);
        Pack(codes + 240, 4, 4, bytes + 48);
        return sound;
    }

    /// <summary>Base-3 fractions of codes i, i + byteCount, …, rounded up to a byte; numbers below 2^16, so that the quotient is exact enough.</summary>
    private static void Pack(T* codes, int byteCount, int tritCount, T* bytes)
    {
        for (int b = 0; b < byteCount; b++)
        {
            T number = LaneMath<T>.Zero;
            for (int n = 0; n < 5; n++)
                number = number * T.Create(3f) + (n < tritCount ? codes[byteCount * n + b] : LaneMath<T>.Zero);
            bytes[b] = T.ToInteger((number * T.Create(256f) + T.Create(242f)) / T.Create(243f));
        }
    }
}
