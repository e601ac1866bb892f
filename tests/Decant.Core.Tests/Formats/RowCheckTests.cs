using Decant.Core.Formats;

namespace Decant.Core.Tests.Formats;

public sealed class RowCheckTests
{
    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void First_non_finite_element_is_found_wherever_it_is(float bad)
    {
        for (int length = 1; length < 70; length++)
        {
            for (int at = 0; at < length; at++)
            {
                var row = new float[length];
                Array.Fill(row, float.MaxValue);
                row.AsSpan(at).Fill(bad);
                Assert.Equal(at, RowCheck.FirstNonFinite(row));
            }
        }
    }

    [Fact]
    public void Finite_rows_pass()
    {
        Assert.Equal(-1, RowCheck.FirstNonFinite([]));
        Assert.Equal(-1, RowCheck.FirstNonFinite([.. Enumerable.Repeat(new[] { 0f, -0f, float.Epsilon, float.MaxValue, float.MinValue }, 30).SelectMany(v => v)]));
    }
}
