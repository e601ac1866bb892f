using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q4_0 on lanes.</summary>
internal readonly unsafe struct Q4_0Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 32;

    public static int BlockByteCount => 18;

    public static bool WeighsByRow => true;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work, weights = work + 32, products = work + 64;
        T sound = T.FromBits(-1);
        T d;
        if (importance != null)
        {
            LaneMath<T>.Weigh(values, importance, 32, rowMeanSquare, weights);
            SymmetricLanes<T> found = SymmetricLanes<T>.Run(values, weights, 32, 8, products);
            d = found.Scale;
            for (int i = 0; i < 32; i++)
                codes[i] = T.ToInteger(found.Code(values[i]));
        }
        else
        {
            d = LaneMath<T>.SignedMaximum(values, 32) / T.Create(-8f);
            T inverse = LaneMath<T>.InverseOrZero(d);
            sound = LaneMath<T>.IsFinite(inverse);
            for (int i = 0; i < 32; i++)
                codes[i] = T.ToInteger(T.Min(T.Create(15f), values[i] * inverse + T.Create(8.5f)));
        }
        LanePlanes<T>.WriteHalf(d, bytes, ref sound);
        LanePlanes<T>.PackNibbles(codes, 16, bytes + 2);
        return sound;
    }
}
