using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q4_1 on lanes.</summary>
internal readonly unsafe struct Q4_1Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 32;

    public static int BlockByteCount => 20;

    public static bool WeighsByRow => true;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work, weights = work + 32, trial = work + 64;
        T sound = T.FromBits(-1);
        T d, m;
        if (importance != null)
        {
            LaneMath<T>.Weigh(values, importance, 32, rowMeanSquare, weights);
            AsymmetricLanes<T> found = AsymmetricLanes<T>.Run<Weighted15>(values, weights, 32, trial);
            sound = found.IsSound;
            d = found.Scale;
            m = found.NegatedOffset ^ T.Create(-0f);
            for (int i = 0; i < 32; i++)
                codes[i] = T.ToInteger(found.Code(values[i]));
        }
        else
        {
            m = values[0];
            T max = values[0];
            for (int i = 1; i < 32; i++)
            {
                m = T.Select(values[i] < m, values[i], m);
                max = T.Select(values[i] > max, values[i], max);
            }
            d = (max - m) / T.Create(15f);
            T inverse = LaneMath<T>.InverseOrZero(d);
            sound = LaneMath<T>.IsFinite(inverse);
            for (int i = 0; i < 32; i++)
                codes[i] = T.ToInteger(T.Min(T.Create(15f), (values[i] - m) * inverse + T.Create(0.5f)));
        }
        LanePlanes<T>.WriteHalf(d, bytes, ref sound);
        LanePlanes<T>.WriteHalf(m, bytes + 2, ref sound);
        LanePlanes<T>.PackNibbles(codes, 16, bytes + 4);
        return sound;
    }
}
