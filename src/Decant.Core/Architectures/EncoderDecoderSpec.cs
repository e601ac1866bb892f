using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// An encoder–decoder described as data: a text is encoded, and a decoder whose blocks attend to the encoder's outputs
/// (<see cref="LayerSpec.CrossAttention"/>) writes another. Both read the same token embedding. The encoder's blocks are those of
/// <see cref="StackKind.Encoder"/>.
/// </summary>
public sealed record EncoderDecoderSpec : ModelSpec
{
    /// <summary>The encoder; it has no heads.</summary>
    public required EncoderSpec Encoder { get; init; }

    /// <summary>The decoder.</summary>
    public required DecoderSpec Decoder { get; init; }

    /// <summary>The token that every decoded text begins with.</summary>
    public required int DecoderStartId { get; init; }

    /// <inheritdoc/>
    public override bool HeadIsTied => Decoder.HeadIsTied;

    /// <inheritdoc/>
    public override IReadOnlyList<ModelTensor> ListTensors()
    {
        var list = new TensorList(StackKind.Encoder);
        EncoderTensors.AddBlocks(list, Encoder);
        IReadOnlyList<ModelTensor> decoder = Decoder.ListTensors();
        return [decoder[0], .. list.Tensors, .. decoder.Skip(1)];
    }

    /// <inheritdoc/>
    public override int LayerCountOf(StackKind stack) => stack == StackKind.Encoder ? Encoder.Layers.Length : Decoder.Layers.Length;

    /// <inheritdoc/>
    public override AttentionSpec? AttentionOf(StackKind stack, int layer) =>
        stack == StackKind.Encoder ? Encoder.Layers[layer].Attention : Decoder.Layers[layer].Attention;
}
