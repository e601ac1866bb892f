using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>The two roundings that end the encoding of a K type, on lanes.</summary>
internal static unsafe class LaneRounding<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Codes that map the largest of some non-negative values to <paramref name="maxCode"/>; returns the step.</summary>
    /// <param name="values">Scales or minima of the sub-blocks.</param>
    /// <param name="count">How many.</param>
    /// <param name="maxCode">15 or 63.</param>
    /// <param name="codes">One vector per value, as numbers.</param>
    /// <param name="sound">Loses the lanes in which a value is negative or could not be rounded.</param>
    public static T ToLargest(T* values, int count, float maxCode, T* codes, ref T sound)
    {
        T zero = LaneMath<T>.Zero, max = zero;
        for (int i = 0; i < count; i++)
            max = T.Select(values[i] > max, values[i], max);
        T inverse = T.Select(max > zero, T.Create(maxCode) / max, zero);
        for (int i = 0; i < count; i++)
        {
            T target = inverse * values[i];
            sound &= LaneMath<T>.IsRoundable(target) & values[i] >= zero;
            codes[i] = T.Min(T.Create(maxCode), LaneMath<T>.Nearest(target));
        }
        return max / T.Create(maxCode);
    }

    /// <summary>
    /// Takes codes again on the grid as it is stored, <c>x ≈ scale·(code - shift) - offset</c>; lanes whose scale is 0 keep their codes.
    /// </summary>
    /// <param name="values">The elements of a sub-block.</param>
    /// <param name="count">How many.</param>
    /// <param name="scale">Stored scale.</param>
    /// <param name="offset">Stored negated minimum, or 0.</param>
    /// <param name="min">Smallest code before the shift.</param>
    /// <param name="max">Largest code before the shift.</param>
    /// <param name="shift">What is added to the code.</param>
    /// <param name="codes">One vector per element, as numbers.</param>
    /// <param name="sound">Loses the lanes in which something could not be rounded.</param>
    public static void OntoGrid(T* values, int count, T scale, T offset, float min, float max, float shift, T* codes, ref T sound)
    {
        T stays = T.Abs(scale) <= LaneMath<T>.Zero;
        for (int i = 0; i < count; i++)
        {
            T target = (values[i] + offset) / scale;
            sound &= stays | LaneMath<T>.IsRoundable(target);
            codes[i] = T.Select(stays, codes[i], LaneMath<T>.Nearest(target, min, max) + T.Create(shift));
        }
    }
}
