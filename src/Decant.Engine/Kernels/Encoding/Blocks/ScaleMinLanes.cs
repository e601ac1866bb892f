using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>What Q4_K and Q5_K share, on lanes; see <c>Decant.Core.Formats.ScaleMinBlock</c>.</summary>
internal static unsafe class ScaleMinLanes<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Writes the 16 bytes of the header and leaves 256 codes, as integers, at the start of <paramref name="work"/>.</summary>
    public static T Encode<TPlain, TWeighted>(T* values, T* importance, T* work, T* header)
        where TPlain : struct, IAsymmetricPlan
        where TWeighted : struct, IAsymmetricPlan
    {
        T* codes = work, weights = work + 256, trial = work + 288, scales = work + 320, minima = work + 328, sums = work + 336;
        T* scaleCodes = work + 344, minimumCodes = work + 352;
        bool weighted = importance != null;
        T sound = T.FromBits(-1);
        T meanSquare = weighted ? T.Create(2f) * LaneMath<T>.AddSquares(LaneMath<T>.Zero, values, 256) / T.Create(256f) : LaneMath<T>.Zero;
        for (int sub = 0; sub < 8; sub++)
        {
            T* part = values + 32 * sub;
            AsymmetricLanes<T> found;
            if (weighted)
            {
                LaneMath<T>.Weigh(part, importance + 32 * sub, 32, meanSquare, weights);
                sums[sub] = LaneMath<T>.Sum(weights, 32);
                found = AsymmetricLanes<T>.Run<TWeighted>(part, weights, 32, trial);
            }
            else
            {
                T level = T.Sqrt(LaneMath<T>.AddSquares(LaneMath<T>.Zero, part, 32) / T.Create(32f));
                for (int i = 0; i < 32; i++)
                    weights[i] = level + T.Abs(part[i]);
                found = AsymmetricLanes<T>.Run<TPlain>(part, weights, 32, trial);
            }
            sound &= found.IsSound;
            scales[sub] = found.Scale;
            minima[sub] = found.NegatedOffset;
            for (int i = 0; i < 32; i++)
                codes[32 * sub + i] = found.Code(part[i]);
        }

        T d = weighted ? DescentLanes<T>.Positive(scales, sums, 8, 63, scaleCodes, ref sound)
            : LaneRounding<T>.ToLargest(scales, 8, 63, scaleCodes, ref sound);
        T dmin = weighted ? DescentLanes<T>.Positive(minima, sums, 8, 63, minimumCodes, ref sound)
            : LaneRounding<T>.ToLargest(minima, 8, 63, minimumCodes, ref sound);
        d = LanePlanes<T>.WriteHalf(d, header, ref sound);
        dmin = LanePlanes<T>.WriteHalf(dmin, header + 2, ref sound);
        for (int sub = 0; sub < 8; sub++)
        {
            LaneRounding<T>.OntoGrid(
                values + 32 * sub, 32, d * scaleCodes[sub], dmin * minimumCodes[sub], 0, TPlain.MaxCode, 0, codes + 32 * sub, ref sound);
            scaleCodes[sub] = T.ToInteger(scaleCodes[sub]);
            minimumCodes[sub] = T.ToInteger(minimumCodes[sub]);
        }
        for (int i = 0; i < 256; i++)
            codes[i] = T.ToInteger(codes[i]);
        for (int j = 0; j < 4; j++)
        {
            header[4 + j] = scaleCodes[j] | scaleCodes[j + 4] >>> 4 << 6;
            header[8 + j] = minimumCodes[j] | minimumCodes[j + 4] >>> 4 << 6;
            header[12 + j] = scaleCodes[j + 4] & T.FromBits(15) | minimumCodes[j + 4] << 4;
        }
        return sound;
    }
}
