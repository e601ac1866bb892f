using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q5_K on lanes.</summary>
internal readonly unsafe struct Q5_KLanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 256;

    public static int BlockByteCount => 176;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work;
        T sound = ScaleMinLanes<T>.Encode<Plain31, Weighted31>(values, importance, work, bytes);
        LanePlanes<T>.PackBits(codes, 4, bytes + 16);
        LanePlanes<T>.PackNibbleRuns(codes, bytes + 48);
        return sound;
    }
}
