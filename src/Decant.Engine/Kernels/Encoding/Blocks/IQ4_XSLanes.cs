using Decant.Engine.Kernels.Encoding.Lanes;
using Decant.Engine.Kernels.Encoding.Search;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>IQ4_XS on lanes.</summary>
internal readonly unsafe struct IQ4_XSLanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    public static int BlockLength => 256;

    public static int BlockByteCount => 136;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work, weights = work + 32, scales = work + 64;
        T meanSquare = LaneMath<T>.AddSquares(LaneMath<T>.Zero, values, 256) * T.Create(2f / 256);
        for (int run = 0; run < 8; run++)
        {
            T* part = values + 32 * run;
            FourBitTableLanes<T>.Weigh(part, importance == null ? null : importance + 32 * run, 32, meanSquare, weights);
            scales[run] = FourBitTableLanes<T>.FindScale(part, weights, 32);
        }

        T sound = T.FromBits(-1);
        T d = (LaneMath<T>.SignedMaximum(scales, 8) ^ T.Create(-0f)) / T.Create(32f);
        T inverse = LaneMath<T>.InverseOrZero(d);
        LanePlanes<T>.WriteHalf(d, bytes, ref sound);
        T high = LaneMath<T>.Zero;
        for (int run = 0; run < 8; run++)
        {
            T target = inverse * scales[run];
            T s = LaneMath<T>.Nearest(target, -32, 31);
            T inverseScale = LaneMath<T>.InverseOrZero(d * s);
            sound &= LaneMath<T>.IsRoundable(target) & LaneMath<T>.IsFinite(inverseScale);
            for (int i = 0; i < 32; i++)
                codes[i] = T.ToInteger(FourBitTableLanes<T>.Code(inverseScale * values[32 * run + i]));
            LanePlanes<T>.PackNibbles(codes, 16, bytes + 8 + 16 * run);
            T stored = T.ToInteger(s + T.Create(32f));
            T low = stored & T.FromBits(15);
            bytes[4 + run / 2] = run % 2 == 0 ? low : bytes[4 + run / 2] | low << 4;
            high |= stored >>> 4 << (2 * run);
        }
        bytes[2] = high;
        bytes[3] = high >>> 8;
        return sound;
    }
}
