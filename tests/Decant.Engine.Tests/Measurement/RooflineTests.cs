using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;
using Decant.Engine.Tests.Inference;
using Decant.Testing;

namespace Decant.Engine.Tests.Measurement;

public sealed class RooflineTests
{
    private static readonly MachineLimits Limits = new(MemoryBytesPerSecond: 20e9, SingleOperationsPerSecond: 300e9, ByteOperationsPerSecond: 800e9);

    [Theory]
    [InlineData(120e9, 0.3, true)]
    [InlineData(0, 0.8, false)]
    [InlineData(80e9, 0.2 + 40.0 / 150, true)]
    [InlineData(40e9, 0.1 + 80.0 / 150, false)]
    public void Each_kind_of_operations_is_compared_with_its_own_limit(double rounded, double share, bool isOfBytes)
    {
        Roofline roofline = Roofline.Of(new DecoderWork(OperationCount: 120e9, ByteCount: 4e9, rounded), 0.5, Limits);
        Assert.Equal((240e9, 8e9, 0.4, isOfBytes), (roofline.OperationsPerSecond, roofline.BytesPerSecond, roofline.MemoryShare, roofline.LimitIsOfBytes));
        Assert.Equal(share, roofline.ArithmeticShare, 1e-12);
    }

    [Fact]
    public void A_vector_has_half_as_many_products_of_16_bits_as_of_8()
    {
        Roofline roofline = Roofline.Of(new DecoderWork(OperationCount: 150e9, ByteCount: 0, RoundedOperationCount: 40e9, PairOperationCount: 80e9), 1, Limits);
        Assert.Equal((40 + 2 * 80) / 800.0 + 30 / 300.0, roofline.ArithmeticShare, 1e-12);
        Assert.True(roofline.LimitIsOfBytes);
    }

    [Fact]
    public void A_level_without_products_of_bytes_is_compared_with_single_precision()
    {
        Roofline roofline = Roofline.Of(new DecoderWork(150e9, 0, 150e9), 1, Limits with { ByteOperationsPerSecond = 0 });
        Assert.Equal((0.5, false), (roofline.ArithmeticShare, roofline.LimitIsOfBytes));
    }

    [Fact]
    public void Eight_bit_weights_write_in_whole_numbers_and_read_prompts_as_their_kernels_do()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder single = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1, Arithmetic = DecoderArithmetic.Fast }, TestContext.Current.CancellationToken);
        Assert.Equal((0, 0), (DecoderWork.OfPrompt(single, 100).RoundedOperationCount, DecoderWork.OfWriting(single, length => 256 * length, 5, 3).RoundedOperationCount));
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"));
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = 1, Arithmetic = DecoderArithmetic.Fast }, TestContext.Current.CancellationToken);
        DecoderWork writing = DecoderWork.OfWriting(decoder, length => 256 * length, 5, 3), reading = DecoderWork.OfPrompt(decoder, 512);
        bool hasBytes = decoder.KernelName != "scalar";
        Assert.Equal(hasBytes ? writing.OperationCount : 0, writing.RoundedOperationCount);
        bool isSplit = KernelList.Choose(TensorFormats.FindByName("Q8_0")!, decoder.Context.Instructions, DecoderArithmetic.Fast, ProductShapes.ManyTokens).RoundedBlockLength == 0;
        Assert.Equal(!hasBytes ? 0 : isSplit ? 2 * decoder.WeightWork.HeadMultiplyAdds : reading.OperationCount, reading.RoundedOperationCount);
    }

    [Theory]
    [InlineData(240e9, 1e9, RooflineBound.Arithmetic)]
    [InlineData(240e9, 17e9, RooflineBound.Memory)]
    [InlineData(3e9, 14e9, RooflineBound.Memory)]
    [InlineData(3e9, 13.9e9, RooflineBound.Neither)]
    [InlineData(209e9, 13.9e9, RooflineBound.Neither)]
    [InlineData(0, 44e9, RooflineBound.Memory)]
    public void The_nearer_limit_bounds_from_seventy_percent_on(double operations, double bytes, RooflineBound expected) =>
        Assert.Equal(expected, Roofline.Of(new DecoderWork(operations, bytes), 1, Limits).Bound);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Time_that_did_not_pass_is_refused(double seconds) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => Roofline.Of(new DecoderWork(1, 1), seconds, Limits));

    [Fact]
    public void The_work_of_a_small_model_is_as_counted_by_hand()
    {
        using var checkpoint = new ReferenceCheckpoint("llama");
        using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { ThreadCount = 1, BatchLength = 4 }, TestContext.Current.CancellationToken);
        // Two layers of 48·48 + 2·16·48 + 48·48 + 3·80·48 weights and a head of 131·48, four bytes each.
        const double Layers = 2 * 17_664, Head = 6_288, WeightBytes = 4 * (Layers + Head);
        Assert.Equal(new DecoderWork(2 * (10 * Layers + Head), 3 * WeightBytes), DecoderWork.OfPrompt(decoder, 10));
        // Tokens 6, 7 and 8 read as many keys and values of 2 layers · 2 heads · 8 elements · 4 bytes, twice.
        Assert.Equal(new DecoderWork(3 * 2 * (Layers + Head), 3 * WeightBytes + 21 * 256), DecoderWork.OfWriting(decoder, length => 256 * length, 5, 3));
    }
}
