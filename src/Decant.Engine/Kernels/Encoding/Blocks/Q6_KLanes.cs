using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>Q6_K on lanes.</summary>
internal readonly unsafe struct Q6_KLanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    private const float Zero = 32;

    public static int BlockLength => 256;

    public static int BlockByteCount => 210;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work, weights = work + 256, products = work + 272, scales = work + 288;
        T sound = T.FromBits(-1);
        for (int run = 0; run < 16; run++)
        {
            T* part = values + 16 * run;
            for (int i = 0; i < 16; i++)
                weights[i] = importance == null ? part[i] * part[i] : importance[16 * run + i];
            SymmetricLanes<T> found = SymmetricLanes<T>.Run(part, weights, 16, Zero, products);
            scales[run] = found.Scale;
            for (int i = 0; i < 16; i++)
                codes[16 * run + i] = found.Code(part[i]);
        }

        T max = LaneMath<T>.SignedMaximum(scales, 16);
        T inverse = T.Create(-128f) / max;
        // A block of (almost) zeros is all zero bytes.
        T kept = T.Abs(max) >= T.Create(1e-15f);
        T d = LanePlanes<T>.WriteHalf(T.Select(kept, T.Create(1f) / inverse, LaneMath<T>.Zero), bytes + 208, ref sound);
        for (int run = 0; run < 16; run++)
        {
            T s = T.Min(T.Create(127f), LaneMath<T>.Nearest(inverse * scales[run]));
            bytes[192 + run] = T.ToInteger(s) & kept;
            LaneRounding<T>.OntoGrid(values + 16 * run, 16, d * s, LaneMath<T>.Zero, -Zero, Zero - 1, Zero, codes + 16 * run, ref sound);
        }
        sound |= ~kept;
        for (int i = 0; i < 256; i++)
            codes[i] = T.ToInteger(codes[i]) & kept;
        LanePlanes<T>.PackNibbles(codes, 64, bytes);
        LanePlanes<T>.PackNibbles(codes + 128, 64, bytes + 64);
        LanePlanes<T>.PackPairs(codes, 4, bytes + 128);
        return sound;
    }
}
