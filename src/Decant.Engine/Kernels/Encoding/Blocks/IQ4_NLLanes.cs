using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>IQ4_NL on lanes.</summary>
internal readonly unsafe struct IQ4_NLLanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 32;

    public static int BlockByteCount => 18;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work, weights = work + 32;
        T meanSquare = LaneMath<T>.AddSquares(LaneMath<T>.Zero, values, 32) * T.Create(2f / 32);
        FourBitTableLanes<T>.Weigh(values, importance, 32, meanSquare, weights);
        T d = FourBitTableLanes<T>.FindScale(values, weights, 32);
        T inverse = LaneMath<T>.InverseOrZero(d);
        T sound = LaneMath<T>.IsFinite(inverse);
        for (int i = 0; i < 32; i++)
            codes[i] = T.ToInteger(FourBitTableLanes<T>.Code(inverse * values[i]));
        LanePlanes<T>.WriteHalf(d, bytes, ref sound);
        LanePlanes<T>.PackNibbles(codes, 16, bytes + 2);
        return sound;
    }
}
