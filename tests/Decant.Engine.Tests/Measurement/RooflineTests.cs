using Decant.Engine.Inference;
using Decant.Engine.Measurement;
using Decant.Engine.Tests.Inference;

namespace Decant.Engine.Tests.Measurement;

public sealed class RooflineTests
{
    private static readonly MachineLimits Limits = new(MemoryBytesPerSecond: 20e9, SingleOperationsPerSecond: 300e9, ByteOperationsPerSecond: 800e9);

    [Fact]
    public void Rates_and_shares_are_those_of_the_arithmetic_that_was_used()
    {
        var work = new DecoderWork(OperationCount: 120e9, ByteCount: 4e9);
        Roofline fast = Roofline.Of(work, 0.5, Limits, DecoderArithmetic.Fast);
        Assert.Equal((240e9, 8e9, 0.3, 0.4), (fast.OperationsPerSecond, fast.BytesPerSecond, fast.ArithmeticShare, fast.MemoryShare));
        Assert.True(fast.LimitIsOfBytes);
        Roofline single = Roofline.Of(work, 0.5, Limits, DecoderArithmetic.Float);
        Assert.Equal((240e9, 8e9, 0.8, 0.4), (single.OperationsPerSecond, single.BytesPerSecond, single.ArithmeticShare, single.MemoryShare));
        Assert.False(single.LimitIsOfBytes);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(200e9)]
    public void Where_bytes_are_slower_or_missing_single_precision_is_the_limit(double byteOperations)
    {
        Roofline roofline = Roofline.Of(new DecoderWork(150e9, 0), 1, Limits with { ByteOperationsPerSecond = byteOperations }, DecoderArithmetic.Fast);
        Assert.Equal((0.5, false), (roofline.ArithmeticShare, roofline.LimitIsOfBytes));
    }

    [Theory]
    [InlineData(240e9, 1e9, RooflineBound.Arithmetic)]
    [InlineData(240e9, 17e9, RooflineBound.Memory)]
    [InlineData(3e9, 14e9, RooflineBound.Memory)]
    [InlineData(3e9, 13.9e9, RooflineBound.Neither)]
    [InlineData(209e9, 13.9e9, RooflineBound.Neither)]
    [InlineData(0, 44e9, RooflineBound.Memory)]
    public void The_nearer_limit_bounds_from_seventy_percent_on(double operations, double bytes, RooflineBound expected) =>
        Assert.Equal(expected, Roofline.Of(new DecoderWork(operations, bytes), 1, Limits, DecoderArithmetic.Float).Bound);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Time_that_did_not_pass_is_refused(double seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Roofline.Of(new DecoderWork(1, 1), seconds, Limits, DecoderArithmetic.Float));

    [Fact]
    public void The_work_of_a_small_model_is_as_counted_by_hand()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1, BatchLength = 4 }, TestContext.Current.CancellationToken);
        // Two layers of 48·48 + 2·16·48 + 48·48 + 3·80·48 weights and a head of 131·48, four bytes each.
        const double Layers = 2 * 17_664, Head = 6_288, WeightBytes = 4 * (Layers + Head);
        Assert.Equal(new DecoderWork(2 * (10 * Layers + Head), 3 * WeightBytes), DecoderWork.OfPrompt(decoder, 10));
        // Tokens 6, 7 and 8 read as many keys and values of 2 layers · 2 heads · 8 elements · 4 bytes, twice.
        Assert.Equal(new DecoderWork(3 * 2 * (Layers + Head), 3 * WeightBytes + 21 * 256), DecoderWork.OfWriting(decoder, 256, 5, 3));
    }
}
