using System.Collections.Immutable;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;

namespace Decant.Core.Tests.Architectures;

public sealed class Llama3BandsTests
{
    [Theory]
    [InlineData(64, 500000, 8, 1, 4, 8192)]
    [InlineData(128, 500000, 32, 1, 4, 8192)]
    [InlineData(128, 500000, 8, 1, 4, 4096)]
    [InlineData(64, 10000, 4, 1, 2, 64)]
    [InlineData(64, 10000, 16, 1, 3, 20)]
    [InlineData(128, 1000000, 2.5, 1, 32, 32768)]
    public void Published_bands_come_back_as_they_are(int rotary, double rotaryBase, double factor, double low, double high, int context)
    {
        RopeSpec rope = Make(rotary, rotaryBase, new RopeScaling.Llama3(factor, low, high, context));
        Assert.Equal(rope.Scaling, RotaryDivisors.Recognise(rope, RotaryDivisors.Of(rope), 1000));
    }

    /// <summary>Bands that say the same in other numbers: their bounds are the same wavelengths.</summary>
    [Theory]
    [InlineData(64, 10000, 8, 1.5, 4, 24)]
    [InlineData(64, 10000, 8, 0.7, 5.1, 333)]
    public void Other_bands_come_back_with_the_same_bounds(int rotary, double rotaryBase, double factor, double low, double high, int context)
    {
        RopeSpec rope = Make(rotary, rotaryBase, new RopeScaling.Llama3(factor, low, high, context));
        RopeScaling.Llama3 found = RotaryDivisors.Recognise(rope, RotaryDivisors.Of(rope), 1000)!;
        Assert.Equal(factor, found.Factor);
        Assert.Equal(context / low, found.OriginalContext / found.LowFrequencyFactor, 1e-4 * context / low);
        Assert.Equal(context / high, found.OriginalContext / found.HighFrequencyFactor, 1e-4 * context / high);
    }

    /// <summary>Whatever the bands, those found give the same divisors: also where few frequencies, or none, lie on the ramp.</summary>
    [Fact]
    public void Bands_found_give_the_divisors_they_were_found_from()
    {
        var random = new Random(9);
        int found = 0;
        for (int i = 0; i < 400; i++)
        {
            double low = 0.5 + random.NextDouble() * 3;
            var scaling = new RopeScaling.Llama3(1.5 + random.Next(80) / 2.0, low, low * (1.05 + random.NextDouble() * 10), 8 << random.Next(14));
            RopeSpec rope = Make(2 << random.Next(1, 7), random.Next(2) == 0 ? 10000 : 500000, scaling);
            ImmutableArray<float> divisors = RotaryDivisors.Of(rope);
            if (divisors.All(divisor => divisor == 1))
                continue;
            RopeScaling.Llama3? bands = RotaryDivisors.Recognise(rope, divisors, 1000);
            Assert.True(bands is not null, $"{rope.RotaryCount} of {rope.Base}: {scaling}");
            Assert.All(divisors.Zip(RotaryDivisors.Of(rope with { Scaling = bands })), pair => Assert.Equal(pair.First, pair.Second, 1.1e-5f * pair.First));
            found++;
        }
        Assert.InRange(found, 200, 400);
    }

    [Theory]
    [InlineData(1f, 1f, 2f, 1.5f, 8f, 8f)]
    [InlineData(0.5f, 1f, 2f, 4f, 8f, 8f)]
    [InlineData(1f, 1f, 1.1f, 3f, 3.5f, 8f)]
    [InlineData(1f, 1f, 1f, 1f, 1f, 1f)]
    public void Divisors_of_no_bands_are_not_recognised(params float[] divisors)
    {
        RopeSpec rope = Make(divisors.Length * 2, 10000, RopeScaling.None);
        Assert.Null(RotaryDivisors.Recognise(rope, [.. divisors], 1000));
    }

    private static RopeSpec Make(int rotary, double rotaryBase, RopeScaling scaling) =>
        new() { Pairing = RopePairing.Half, RotaryCount = rotary, Base = rotaryBase, Scaling = scaling };
}
