using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q2_K on lanes.</summary>
internal readonly unsafe struct Q2_KLanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 256;

    public static int BlockByteCount => 84;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work, weights = work + 256, trial = work + 272, scales = work + 288, minima = work + 304, sums = work + 320;
        T* scaleCodes = work + 336, minimumCodes = work + 352;
        T sound = T.FromBits(-1);
        T meanSquare = importance == null ? LaneMath<T>.Zero
            : LaneMath<T>.AddSquares(LaneMath<T>.Zero, values, 256) / T.Create(256f);
        for (int run = 0; run < 16; run++)
        {
            T* part = values + 16 * run;
            AsymmetricLanes<T> found;
            if (importance == null)
            {
                for (int i = 0; i < 16; i++)
                    weights[i] = T.Abs(part[i]);
                found = AsymmetricLanes<T>.Run<Plain3>(part, weights, 16, trial);
            }
            else
            {
                LaneMath<T>.Weigh(part, importance + 16 * run, 16, meanSquare, weights);
                sums[run] = LaneMath<T>.Sum(weights, 16);
                found = AsymmetricLanes<T>.Run<Weighted3>(part, weights, 16, trial);
            }
            sound &= found.IsSound;
            scales[run] = found.Scale;
            minima[run] = found.NegatedOffset;
            for (int i = 0; i < 16; i++)
                codes[16 * run + i] = found.Code(part[i]);
        }

        bool weighted = importance != null;
        T d = weighted ? DescentLanes<T>.Positive(scales, sums, 16, 15, scaleCodes, ref sound)
            : LaneRounding<T>.ToLargest(scales, 16, 15, scaleCodes, ref sound);
        T dmin = weighted ? DescentLanes<T>.Positive(minima, sums, 16, 15, minimumCodes, ref sound)
            : LaneRounding<T>.ToLargest(minima, 16, 15, minimumCodes, ref sound);
        d = LanePlanes<T>.WriteHalf(d, bytes + 80, ref sound);
        dmin = LanePlanes<T>.WriteHalf(dmin, bytes + 82, ref sound);
        for (int run = 0; run < 16; run++)
        {
            LaneRounding<T>.OntoGrid(
                values + 16 * run, 16, d * scaleCodes[run], dmin * minimumCodes[run], 0, 3, 0, codes + 16 * run, ref sound);
            bytes[run] = T.ToInteger(scaleCodes[run]) | T.ToInteger(minimumCodes[run]) << 4;
        }
        for (int i = 0; i < 256; i++)
            codes[i] = T.ToInteger(codes[i]);
        LanePlanes<T>.PackPairs(codes, 0, bytes + 16);
        return sound;
    }
}
