namespace Decant.Core.Tensors;

/// <summary>What a tensor does in a model, whatever a container calls it. Matrices are [outputs, inputs].</summary>
public enum TensorRole
{
    /// <summary>Token embedding [vocabulary, hidden].</summary>
    TokenEmbedding,
    /// <summary>Learned positions [positions, hidden].</summary>
    PositionEmbedding,
    /// <summary>A row per segment of a text [token types, hidden].</summary>
    TokenTypeEmbedding,
    /// <summary>From the embedding's width to the hidden one [hidden, width].</summary>
    EmbeddingProjection,
    /// <summary>Norm right after the embedding.</summary>
    EmbeddingNorm,
    /// <summary>Norm after the last block.</summary>
    FinalNorm,
    /// <summary>From the hidden width to the embedding's [width, hidden].</summary>
    HeadProjection,
    /// <summary>Output head [vocabulary, hidden]; absent when tied to the embedding.</summary>
    Head,
    /// <summary>Divisors of the rotary frequencies [rotary / 2] as GGUF stores them.</summary>
    RopeFrequencyDivisors,
    /// <summary>longrope divisors up to the original context [rotary / 2].</summary>
    RopeShortFactors,
    /// <summary>longrope divisors beyond the original context [rotary / 2].</summary>
    RopeLongFactors,
    /// <summary>Norm in front of attention.</summary>
    AttentionNorm,
    /// <summary>Norm on the attention branch's output, or after the residual sum in post-norm blocks.</summary>
    AttentionPostNorm,
    /// <summary>Query projection [heads * head size, hidden].</summary>
    Query,
    /// <summary>Key projection [key-value heads * head size, hidden].</summary>
    Key,
    /// <summary>Value projection [key-value heads * value size, hidden].</summary>
    Value,
    /// <summary>Latent attention: the queries' narrow vector [rank, hidden].</summary>
    QueryDown,
    /// <summary>Norm of the queries' narrow vector.</summary>
    QueryDownNorm,
    /// <summary>Latent attention: the keys' and values' narrow vector, and behind it the rotated part of a key [rank + rotary, hidden].</summary>
    KeyValueDown,
    /// <summary>Norm of the keys' and values' narrow vector.</summary>
    KeyValueDownNorm,
    /// <summary>Latent attention: the parts of keys that are not rotated [heads * (head size - rotary), rank].</summary>
    KeyUp,
    /// <summary>Latent attention: the values [heads * value size, rank].</summary>
    ValueUp,
    /// <summary>Norm of the outputs of all heads.</summary>
    AttentionOutputNorm,
    /// <summary>Attention output projection [hidden, heads * value size].</summary>
    AttentionOutput,
    /// <summary>Norm of the queries, per head or over the whole projection.</summary>
    QueryNorm,
    /// <summary>Norm of the keys, per head or over the whole projection.</summary>
    KeyNorm,
    /// <summary>Biases on scores by distance [buckets, heads].</summary>
    RelativeBias,
    /// <summary>Norm in front of cross-attention.</summary>
    CrossAttentionNorm,
    /// <summary>Query projection of cross-attention [heads * head size, hidden].</summary>
    CrossQuery,
    /// <summary>Key projection of cross-attention, of the encoder's outputs [key-value heads * head size, hidden].</summary>
    CrossKey,
    /// <summary>Value projection of cross-attention, of the encoder's outputs [key-value heads * value size, hidden].</summary>
    CrossValue,
    /// <summary>Output projection of cross-attention [hidden, heads * value size].</summary>
    CrossAttentionOutput,
    /// <summary>Norm in front of the feed-forward part.</summary>
    FeedForwardNorm,
    /// <summary>Norm on the feed-forward branch's output, or after the residual sum in post-norm blocks.</summary>
    FeedForwardPostNorm,
    /// <summary>Norm of the inner units.</summary>
    FeedForwardInnerNorm,
    /// <summary>Gate projection [width, hidden].</summary>
    Gate,
    /// <summary>Up projection [width, hidden].</summary>
    Up,
    /// <summary>Down projection [hidden, width].</summary>
    Down,
    /// <summary>Router of a mixture of experts [experts, hidden].</summary>
    Router,
    /// <summary>What is added to the experts' scores for the choice [experts].</summary>
    ExpertChoiceBias,
    /// <summary>Gate projection of the shared expert [width, hidden].</summary>
    SharedGate,
    /// <summary>Up projection of the shared expert [width, hidden].</summary>
    SharedUp,
    /// <summary>Down projection of the shared expert [hidden, width].</summary>
    SharedDown,
    /// <summary>Projection to the factor of the shared expert [1, hidden].</summary>
    SharedRouter,
    /// <summary>Dense layer in front of an encoder's token head [embedding width, hidden].</summary>
    HeadTransform,
    /// <summary>Norm behind it.</summary>
    HeadNorm,
    /// <summary>Dense layer that makes one vector of a text [hidden, hidden].</summary>
    Pooler,
    /// <summary>Norm behind it.</summary>
    PoolerNorm,
    /// <summary>Scores of classes [classes, hidden].</summary>
    Classifier,
    /// <summary>A bias of the head that checkpoints hold and the reference does not add [vocabulary].</summary>
    IdleHeadBias,
    /// <summary>Learned positions of the first of two axes [rows, width].</summary>
    RowPositions,
    /// <summary>Learned positions of the second of two axes [columns, width].</summary>
    ColumnPositions,
    /// <summary>One projection for queries and keys alike [heads * head size, hidden].</summary>
    QueryKey,
    /// <summary>Norm in front of the part of a recurrent block that mixes positions.</summary>
    MixerNorm,
    /// <summary>Projection to the channels that a state is fed with [channels, hidden].</summary>
    ScanInput,
    /// <summary>Projection to the factor of a scan's results [inner, hidden].</summary>
    ScanGate,
    /// <summary>Depthwise causal convolution [channels, width].</summary>
    Convolution,
    /// <summary>Projection to the narrow vector of time steps [rank, inner].</summary>
    TimeStepDown,
    /// <summary>Projection to the time step of each channel [inner, rank], or of each head [heads, hidden].</summary>
    TimeStep,
    /// <summary>What is added to the time step of each head [heads].</summary>
    TimeStepBias,
    /// <summary>Projection to how strongly the input enters each element of a state [state, inner]: B.</summary>
    StateInput,
    /// <summary>Projection to how strongly each element of a state enters the result [state, inner]: C.</summary>
    StateOutput,
    /// <summary>Logarithm of the rate at which a state decays [inner, state], [heads] or [width].</summary>
    StateDecay,
    /// <summary>Factor on the input that bypasses the state [inner] or [heads]: D.</summary>
    SkipFactor,
    /// <summary>Norm of a scan's gated results.</summary>
    ScanNorm,
    /// <summary>Output projection of the part that mixes positions [hidden, inner].</summary>
    MixerOutput,
    /// <summary>Projection to the receptance of time mixing [width, hidden].</summary>
    Receptance,
    /// <summary>What is added to the key of the current position [width]: u.</summary>
    CurrentKeyBonus,
    /// <summary>Share of the current position, the rest being the one before, in what keys of time mixing read [hidden].</summary>
    KeyShift,
    /// <summary>The same for values.</summary>
    ValueShift,
    /// <summary>The same for the receptance.</summary>
    ReceptanceShift,
    /// <summary>Projection to the receptance of channel mixing [hidden, hidden].</summary>
    ChannelReceptance,
    /// <summary>Share of the current position in what inner units of channel mixing read [hidden].</summary>
    ChannelKeyShift,
    /// <summary>The same for the receptance of channel mixing.</summary>
    ChannelReceptanceShift,
}

/// <summary>Weight or bias.</summary>
public enum TensorPart
{
    /// <summary>The weight.</summary>
    Weight,
    /// <summary>The bias, one value per output.</summary>
    Bias,
}

/// <summary>Which blocks of a model: an encoder–decoder has two stacks.</summary>
public enum StackKind
{
    /// <summary>The only stack, or the decoder of an encoder–decoder.</summary>
    Main,
    /// <summary>The encoder of an encoder–decoder.</summary>
    Encoder,
}

/// <summary>Names one canonical tensor of a model, independent of containers.</summary>
/// <param name="Role">What it does.</param>
/// <param name="Layer">The block, or null for tensors outside the blocks.</param>
/// <param name="Expert">The expert, or null outside expert feed-forwards.</param>
/// <param name="Part">Weight or bias.</param>
/// <param name="Stack">The stack, for encoder–decoders.</param>
public readonly record struct TensorId(
    TensorRole Role, int? Layer = null, int? Expert = null, TensorPart Part = TensorPart.Weight, StackKind Stack = StackKind.Main)
{
    /// <summary>The bias that belongs to this weight.</summary>
    public TensorId Bias => this with { Part = TensorPart.Bias };

    /// <summary>As in <c>layer 3 Gate expert 1 Weight</c>.</summary>
    public override string ToString() =>
        (Stack == StackKind.Encoder ? "encoder " : "") + (Layer is { } layer ? $"layer {layer} " : "") + Role + (Expert is { } expert ? $" expert {expert}" : "") + " " + Part;
}
