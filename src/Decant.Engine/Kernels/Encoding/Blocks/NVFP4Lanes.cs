using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>NVFP4 on lanes.</summary>
internal readonly unsafe struct NVFP4Lanes<T> : ILaneEncoder<T>
    where T : unmanaged, ILanes<T>
{
    private const float SmallestNormal = 0.015625f; // 2^-6
    private const int LargestCode = 0x7e;

    /// <summary>Between the exponent of single precision and that of E4M3, with three bits of mantissa below.</summary>
    private const int ExponentShift = (127 - 7) << 3;

    public static int BlockLength => 64;

    public static int BlockByteCount => 36;

    public static bool WeighsByRow => false;

    public static T Encode(T* values, T* importance, T rowMeanSquare, T* work, T* bytes)
    {
        T* codes = work;
        T sound = T.FromBits(-1);
        for (int group = 0; group < 4; group++)
        {
            T* elements = values + 16 * group;
            T code = RoundScale(LaneMath<T>.Maximum(elements, 16) / T.Create(6f), ref sound, out T step);
            // A step of zero makes every code equally near; the first is taken.
            T isStep = step > LaneMath<T>.Zero;
            for (int i = 0; i < 16; i++)
                codes[i] = E2M1Lanes<T>.Code(elements[i], step) & isStep;
            bytes[group] = code;
            LanePlanes<T>.PackNibbles(codes, 8, bytes + 4 + 8 * group);
        }
        return sound;
    }

    /// <summary>The code of a scale as E4M3 without a sign, halves rounded up, and half of what it stands for.</summary>
    private static T RoundScale(T scale, ref T sound, out T step)
    {
        // From 256 on the definition saturates, and elements may lie far beyond the grid.
        sound &= scale < T.Create(256f);
        T isDenormal = scale < T.Create(SmallestNormal);
        T normal = T.AddIntegers(T.AddIntegers(scale >>> 20, T.FromBits(-ExponentShift)), scale >>> 19 & T.FromBits(1));
        T saturates = T.FromInteger(normal) >= T.Create((float)(15 << 3));
        normal = T.Select(saturates, T.FromBits(LargestCode), normal);
        T denormal = T.Min(T.Create(7f), T.FromInteger(T.ToInteger(scale * T.Create(512f) + T.Create(0.5f))));
        T normalValue = T.AddIntegers(normal, T.FromBits(ExponentShift)) << 20;
        step = T.Select(isDenormal, denormal * T.Create(1f / 512), normalValue) * T.Create(0.5f);
        return T.Select(isDenormal, T.ToInteger(denormal), normal);
    }
}
