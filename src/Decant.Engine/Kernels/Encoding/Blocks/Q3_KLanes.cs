using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q3_K on lanes.</summary>
internal readonly unsafe struct Q3_KLanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    private const float Zero = 4, ScaleZero = 32;

    public static int BlockLength => 256;

    public static int BlockByteCount => 110;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work, weights = work + 256, products = work + 272, scales = work + 288, sums = work + 304, scaleCodes = work + 320;
        T sound = T.FromBits(-1);
        T meanSquare = importance == null ? LaneMath<T>.Zero
            : T.Create(2f) * LaneMath<T>.AddSquares(LaneMath<T>.Zero, values, 256) / T.Create(256f);
        for (int run = 0; run < 16 && importance == null; run += 2)
            DescentLanes<T>.SymmetricPair(values + 16 * run, 16, Zero, codes + 16 * run, scales + run, ref sound);
        for (int run = 0; run < 16 && importance != null; run++)
        {
            T* part = values + 16 * run;
            LaneMath<T>.Weigh(part, importance + 16 * run, 16, meanSquare, weights);
            sums[run] = LaneMath<T>.Sum(weights, 16);
            SymmetricLanes<T> found = SymmetricLanes<T>.Run(part, weights, 16, Zero, products);
            scales[run] = found.Scale;
            for (int i = 0; i < 16; i++)
                codes[16 * run + i] = found.Code(part[i]);
        }

        T d = importance == null ? RoundToLargest(scales, scaleCodes, ref sound) : SearchSuperScale(scales, sums, products, scaleCodes);
        d = LanePlanes<T>.WriteHalf(d, bytes + 108, ref sound);
        for (int run = 0; run < 16; run++)
        {
            T scale = d * (scaleCodes[run] - T.Create(ScaleZero));
            LaneRounding<T>.OntoGrid(values + 16 * run, 16, scale, LaneMath<T>.Zero, -Zero, Zero - 1, Zero, codes + 16 * run, ref sound);
            scaleCodes[run] = T.ToInteger(scaleCodes[run]);
        }
        for (int i = 0; i < 256; i++)
            codes[i] = T.ToInteger(codes[i]);
        LanePlanes<T>.PackBits(codes, 2, bytes);
        LanePlanes<T>.PackPairs(codes, 0, bytes + 32);
        LanePlanes<T>.PackNibbles(scaleCodes, 8, bytes + 96);
        for (int j = 0; j < 4; j++)
        {
            bytes[104 + j] = scaleCodes[j] >>> 4 | scaleCodes[j + 4] >>> 4 << 2
                | scaleCodes[j + 8] >>> 4 << 4 | scaleCodes[j + 12] >>> 4 << 6;
        }
        return sound;
    }

    private static T SearchSuperScale(T* scales, T* sums, T* products, T* scaleCodes)
    {
        SymmetricLanes<T> found = SymmetricLanes<T>.Run(scales, sums, 16, ScaleZero, products);
        for (int run = 0; run < 16; run++)
            scaleCodes[run] = found.Code(scales[run]);
        return found.Scale;
    }

    private static T RoundToLargest(T* scales, T* scaleCodes, ref T sound)
    {
        T max = LaneMath<T>.SignedMaximum(scales, 16);
        T none = T.Abs(max) <= LaneMath<T>.Zero;
        T inverse = T.Create(-ScaleZero) / max;
        for (int run = 0; run < 16; run++)
        {
            T target = inverse * scales[run];
            sound &= none | LaneMath<T>.IsRoundable(target);
            T code = LaneMath<T>.Nearest(target, -ScaleZero, ScaleZero - 1) + T.Create(ScaleZero);
            scaleCodes[run] = T.Select(none, LaneMath<T>.Zero, code);
        }
        return T.Select(none, LaneMath<T>.Zero, T.Create(1f) / inverse);
    }
}
