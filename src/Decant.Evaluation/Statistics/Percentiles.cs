namespace Decant.Evaluation.Statistics;

/// <summary>Percentiles of a sorted list.</summary>
public static class Percentiles
{
    /// <summary>The value at position <c>fraction · (n − 1)</c> of the sorted list, with linear interpolation between neighbours.</summary>
    /// <param name="sorted">Ascending, at least one value.</param>
    /// <param name="fraction">0 to 1.</param>
    /// <exception cref="ArgumentException">The list is empty.</exception>
    /// <exception cref="ArgumentOutOfRangeException">The fraction is outside 0 to 1.</exception>
    public static double At(ReadOnlySpan<double> sorted, double fraction)
    {
        if (sorted.IsEmpty)
            throw new ArgumentException("There is no percentile of nothing.", nameof(sorted));
        ArgumentOutOfRangeException.ThrowIfLessThan(fraction, 0);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(fraction, 1);
        double position = fraction * (sorted.Length - 1);
        int below = (int)position;
        double weight = position - below;
        return weight == 0 ? sorted[below] : sorted[below] + weight * (sorted[below + 1] - sorted[below]);
    }
}
