using Decant.Core.Architectures;
using Decant.Engine.Inference;

namespace Decant.Engine.Tests.Inference;

public sealed unsafe class AlibiBiasTests
{
    [Theory]
    [InlineData(4, 1f)]
    [InlineData(8, 0.25f)]
    public void Biases_are_slope_times_distance(int heads, float scale)
    {
        for (int head = 0; head < heads; head++)
        {
            float[] scores = Add(new AlibiSpec { Scale = scale }, heads, head, firstKey: 3, query: 9, count: 7);
            double slope = Math.Pow(2, -8.0 / heads * (head + 1));
            for (int i = 0; i < scores.Length; i++)
                Assert.Equal(slope * scale * (3 + i - 9), scores[i], 1e-6);
        }
    }

    /// <summary>Slopes that bfloat16 holds, and positions up to 256: the same as without rounding, but for a number that all keys share.</summary>
    [Fact]
    public void Rounding_changes_nothing_that_is_exact()
    {
        float[] rounded = Add(new AlibiSpec { RoundsToBfloat16 = true }, 8, 2, firstKey: 20, query: 99, count: 80), plain = Add(new AlibiSpec(), 8, 2, 20, 99, 80);
        Assert.All(rounded.Zip(plain), pair => Assert.Equal(pair.Second + 99 / 8f, pair.First, 1e-5));
    }

    // 32 heads as in Falcon-RW: slope of head 0 is 2^(-1/4) = 0.8408964, in bfloat16 0.83984375; 1001 becomes 1000 and 1003 becomes 1004; products are rounded once more.
    [Theory]
    [InlineData(1001, 840f)]
    [InlineData(1003, 844f)]
    [InlineData(3, 2.515625f)]
    [InlineData(0, 0f)]
    public void Slope_position_and_product_are_rounded(int position, float expected) =>
        Assert.Equal(expected * 0.125f, Add(new AlibiSpec { Scale = 0.125f, RoundsToBfloat16 = true }, 32, 0, position, position, 1)[0]);

    private static float[] Add(AlibiSpec spec, int heads, int head, int firstKey, int query, int count)
    {
        float[] scores = new float[count * 2];
        fixed (float* first = scores)
            new AlibiBias(spec, heads).AddTo(first, 2, count, head, firstKey, query);
        Assert.All(Enumerable.Range(0, count), i => Assert.Equal(0, scores[i * 2 + 1]));
        return [.. Enumerable.Range(0, count).Select(i => scores[i * 2])];
    }
}
