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
}
