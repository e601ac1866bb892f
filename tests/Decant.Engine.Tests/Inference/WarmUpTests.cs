using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

public class WarmUpTests
{
    private const string Folder = "llama";

    /// <summary>A tensor that nobody may read.</summary>
    private sealed class Unreadable(TensorInfo info) : TensorData(info)
    {
        public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows) => throw new InvalidOperationException($"{Info.Name} was read.");
    }

    [Fact]
    public void Every_reference_decoder_warms_up_without_its_weights_being_read()
    {
        string[] folders = [.. ReferenceCheckpoint.Folders()];
        SharedFiles.Require("fixtures", "architectures");
        Assert.True(folders.Length >= 10, $"{folders.Length} folders");
        foreach (string folder in folders)
        {
            using var checkpoint = new ReferenceCheckpoint(folder);
            foreach (DecoderArithmetic arithmetic in Enum.GetValues<DecoderArithmetic>())
                WarmUp.Run(WithoutWeights(checkpoint.Model, null), new DecoderOptions { Arithmetic = arithmetic }, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void A_miniature_can_be_made_in_every_format()
    {
        using var checkpoint = new ReferenceCheckpoint(Folder);
        Assert.NotEmpty(TensorFormats.All);
        foreach (TensorFormat format in TensorFormats.All)
        {
            foreach (DecoderArithmetic arithmetic in Enum.GetValues<DecoderArithmetic>())
                WarmUp.Run(WithoutWeights(checkpoint.Model, format), new DecoderOptions { Arithmetic = arithmetic, KeyValueFormat = "F16" }, TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public void A_miniature_has_a_block_of_every_kind_and_no_more()
    {
        using var checkpoint = new ReferenceCheckpoint(Folder);
        LayerSpec layer = checkpoint.Model.Spec.Layers[0];
        LayerSpec windowed = layer with { Attention = layer.Attention with { Window = 3 } };
        DecoderSpec spec = checkpoint.Model.Spec with { Layers = [layer, layer, windowed, layer, windowed] };
        var tensors = DecoderTensors.List(spec).ToDictionary(tensor => tensor.Id, tensor =>
        {
            TensorFormat format = tensor.Id is { Layer: 3, Role: TensorRole.Down } ? TensorFormats.BF16 : TensorFormats.F32;
            return (TensorData)new Unreadable(new TensorInfo(tensor.Id.ToString(), tensor.Shape, format));
        });

        DecoderModel miniature = Miniature.Of(new DecoderModel(checkpoint.Model.Source, "llama", spec, tensors));

        Assert.Equal([null, 3, null], miniature.Spec.Layers.Select(kind => kind.Attention.Window));
        Assert.Equal(TensorFormats.BF16, miniature.Get(new TensorId(TensorRole.Down, 2)).Info.Format);
        Assert.Equal(TensorFormats.F32, miniature.Get(new TensorId(TensorRole.Down, 1)).Info.Format);
        Assert.True(miniature.Tensors.Values.Sum(tensor => tensor.Info.ByteCount) < 16 << 20);
    }

    [Fact]
    public void Results_are_the_same_bytes_with_and_without()
    {
        using var checkpoint = new ReferenceCheckpoint(Folder);
        float[] Logits(bool warmsUp)
        {
            using Decoder decoder = Decoder.Load(checkpoint.Model, new DecoderOptions { WarmsUp = warmsUp }, TestContext.Current.CancellationToken);
            using DecoderSession session = decoder.StartSession(checkpoint.Length);
            return session.Append(checkpoint.Ids.AsSpan(0, checkpoint.Length), TestContext.Current.CancellationToken).ToArray();
        }
        float[] without = Logits(false);
        Assert.Contains(without, logit => logit != 0);
        Assert.Equal(without.Select(BitConverter.SingleToInt32Bits), Logits(true).Select(BitConverter.SingleToInt32Bits));
    }

    [Fact]
    public void A_cancelled_warm_up_stops()
    {
        using var checkpoint = new ReferenceCheckpoint(Folder);
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => WarmUp.Run(checkpoint.Model, new DecoderOptions(), cancelled.Token));
    }

    [Fact]
    public void Whatever_is_wrong_with_a_model_is_said_by_the_load()
    {
        using var checkpoint = new ReferenceCheckpoint(Folder);
        var broken = new DecoderModel(checkpoint.Model.Source, "llama", checkpoint.Model.Spec, new Dictionary<TensorId, TensorData>());
        Assert.Throws<Decant.Core.Errors.BadFileException>(() => Decoder.Load(broken, new DecoderOptions { WarmsUp = true }, TestContext.Current.CancellationToken));
    }

    private static DecoderModel WithoutWeights(DecoderModel model, TensorFormat? format) => new(
        model.Source, model.ArchitectureName, model.Spec, model.Tensors.ToDictionary(
            tensor => tensor.Key,
            tensor => (TensorData)new Unreadable(tensor.Value.Info with { Format = tensor.Value.Info.Shape.Rank == 2 && format is not null ? format : tensor.Value.Info.Format })));
}
