using System.Collections.Immutable;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>What the rows or columns of a model's tensor count.</summary>
public enum ModelAxis
{
    /// <summary>Token ids.</summary>
    Vocabulary,
    /// <summary>The residual stream.</summary>
    Hidden,
    /// <summary>Learned positions.</summary>
    Positions,
    /// <summary>Query heads × head size.</summary>
    Queries,
    /// <summary>Key-value heads × head size.</summary>
    Keys,
    /// <summary>Key-value heads × value size.</summary>
    Values,
    /// <summary>Query heads × value size: what the output projection reads.</summary>
    AttentionOutputs,
    /// <summary>Query heads.</summary>
    QueryHeads,
    /// <summary>Key-value heads.</summary>
    KeyValueHeads,
    /// <summary>One head.</summary>
    HeadSize,
    /// <summary>Inner units of the feed-forward part.</summary>
    Width,
    /// <summary>Inner units of an expert.</summary>
    ExpertWidth,
    /// <summary>Experts.</summary>
    Experts,
    /// <summary>The token embedding where it is not as wide as the residual stream.</summary>
    Embedding,
    /// <summary>The queries' narrow vector.</summary>
    QueryRank,
    /// <summary>The keys' and values' narrow vector.</summary>
    KeyValueRank,
    /// <summary>The keys' and values' narrow vector and the rotated part of a key.</summary>
    KeyValueDown,
    /// <summary>Heads × the part of a key that is not rotated.</summary>
    KeyUp,
    /// <summary>Heads × value size, from the narrow vector.</summary>
    ValueUp,
    /// <summary>Inner units of the shared expert.</summary>
    SharedWidth,
    /// <summary>Segments that a token can belong to (token types).</summary>
    TokenTypes,
    /// <summary>Buckets of distances.</summary>
    Buckets,
    /// <summary>Classes that a text can belong to.</summary>
    Classes,
    /// <summary>Inner channels of a scan.</summary>
    Inner,
    /// <summary>Channels that are convolved.</summary>
    ConvolutionChannels,
    /// <summary>Positions that a convolution reads.</summary>
    ConvolutionWidth,
    /// <summary>Elements of the state of a channel.</summary>
    State,
    /// <summary>The narrow vector of time steps.</summary>
    TimeStepRank,
    /// <summary>Heads of a scan.</summary>
    ScanHeads,
    /// <summary>Channels of time mixing.</summary>
    TimeMixing,
    /// <summary>Positions of the first of two axes.</summary>
    RowPositions,
    /// <summary>Positions of the second of two axes.</summary>
    ColumnPositions,
    /// <summary>Width of the positions of the first of two axes.</summary>
    RowPositionWidth,
    /// <summary>Width of the positions of the second of two axes.</summary>
    ColumnPositionWidth,
    /// <summary>Both residual streams.</summary>
    TwoStreams,
    /// <summary>One number.</summary>
    One,
    /// <summary>Rotary frequencies.</summary>
    RotaryFrequencies,
}

/// <summary>A canonical tensor that a spec calls for.</summary>
/// <param name="Id">Which.</param>
/// <param name="Axes">What its dimensions count, outermost first.</param>
/// <param name="Shape">How many of each.</param>
public sealed record ModelTensor(TensorId Id, ImmutableArray<ModelAxis> Axes, TensorShape Shape);
