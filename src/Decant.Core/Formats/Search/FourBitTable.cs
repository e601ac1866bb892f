namespace Decant.Core.Formats.Search;

/// <summary>
/// The sixteen unevenly spaced levels of IQ4_NL and IQ4_XS (denser near zero, as weights are) and the search for the scale of a
/// block on them. (Levels: ggml's published table, quantization.md §16.)
/// </summary>
internal static class FourBitTable
{
    public static ReadOnlySpan<sbyte> Levels => [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

    /// <summary>Half the number of grids tried beside the first one, less the middle.</summary>
    private const int Reach = 7;

    /// <summary>The code of the level nearest to <paramref name="x"/>; of two equally near, the upper.</summary>
    public static int Nearest(float x)
    {
        ReadOnlySpan<sbyte> levels = Levels;
        if (!(x > levels[0]))
            return x <= levels[0] ? 0 : NearestOfNaN;
        if (x >= levels[15])
            return 15;
        int upper = 1;
        while (x >= levels[upper])
            upper++;
        return x - levels[upper - 1] < levels[upper] - x ? upper - 1 : upper;
    }

    /// <summary>What the reference's binary search ends at when every comparison fails.</summary>
    private const int NearestOfNaN = 15;

    /// <summary>
    /// The scale d with <c>x ≈ d·level</c> that removes most of the weighted squared error (A²/B, see <see cref="SymmetricSearch"/>),
    /// of sixteen grids around the one that maps the largest element to the outermost level. 0 for a block of (almost) zeros.
    /// </summary>
    /// <param name="values">32 elements.</param>
    /// <param name="weights">One per element.</param>
    public static float FindScale(ReadOnlySpan<float> values, ReadOnlySpan<float> weights)
    {
        float max = BlockFormat.SignedMaximum(values);
        if (MathF.Abs(max) < SymmetricSearch.SmallestMagnitude)
            return 0;
        float first = -max / Levels[0];
        (float a, float b) = Sums(values, weights, 1 / first);
        float scale = b > 0 ? a / b : 0; // no weight anywhere: the block becomes zeros
        float best = scale * a;
        for (int step = -Reach; step <= Reach; step++)
        {
            (a, b) = Sums(values, weights, (step + Levels[0]) / max);
            if (b > 0 && a * a > best * b)
            {
                scale = a / b;
                best = scale * a;
            }
        }
        return scale;
    }

    private static (float A, float B) Sums(ReadOnlySpan<float> values, ReadOnlySpan<float> weights, float inverse)
    {
        float a = 0, b = 0;
        for (int i = 0; i < values.Length; i++)
        {
            float level = Levels[Nearest(inverse * values[i])];
            a += weights[i] * level * values[i];
            b += weights[i] * level * level;
        }
        return (a, b);
    }

    /// <summary>The weights of a search: importance, or the element's square without it.</summary>
    /// <param name="values">The block's elements.</param>
    /// <param name="importance">Empty or one per element.</param>
    /// <param name="meanSquare">Twice the mean square of the block (IQ4_NL) or super-block (IQ4_XS).</param>
    /// <param name="weights">One per element.</param>
    public static void Weigh(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float meanSquare, Span<float> weights)
    {
        if (!importance.IsEmpty)
        {
            BlockFormat.WeighElements(values, importance, meanSquare, weights);
            return;
        }
        for (int i = 0; i < values.Length; i++)
            weights[i] = values[i] * values[i];
    }
}
