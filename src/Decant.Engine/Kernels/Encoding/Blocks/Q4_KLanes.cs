using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q4_K on lanes.</summary>
internal readonly unsafe struct Q4_KLanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 256;

    public static int BlockByteCount => 144;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work;
        T sound = ScaleMinLanes<T>.Encode<Plain15, Weighted15>(values, importance, work, bytes);
        LanePlanes<T>.PackNibbleRuns(codes, bytes + 16);
        return sound;
    }
}
