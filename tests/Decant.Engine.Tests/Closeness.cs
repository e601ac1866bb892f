namespace Decant.Engine.Tests;

/// <summary>Compares rows of numbers.</summary>
internal static class Closeness
{
    public static void Assert(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, double tolerance, string what)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            if (!(Math.Abs((double)expected[i] - actual[i]) <= tolerance))
                Xunit.Assert.Fail(FormattableString.Invariant($"{what}: element {i} is {actual[i]:G9}, expected {expected[i]:G9} within {tolerance:G3}"));
        }
    }

    /// <summary>The largest difference between two rows of one length; not a number if any is, unlike LINQ's largest, which passes over those.</summary>
    public static double LargestDifference(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual)
    {
        Xunit.Assert.Equal(expected.Length, actual.Length);
        double largest = 0;
        for (int i = 0; i < expected.Length; i++)
            largest = Math.Max(largest, Math.Abs((double)expected[i] - actual[i]));
        return largest;
    }
}
