using Decant.Core.Tensors;

namespace Decant.Core.Architectures;

/// <summary>
/// A model described as data. Each kind of model (decoder, encoder, recurrent) has a spec of its own; what they share, so that binding, conversion and
/// compression need not tell them apart, is here. All lengths are element counts.
/// </summary>
public abstract record ModelSpec
{
    /// <summary>Number of token ids; rows of the embedding and the head.</summary>
    public required int VocabularySize { get; init; }

    /// <summary>Width of the residual stream.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>The context length the model was trained for.</summary>
    public required int ContextLength { get; init; }

    /// <summary>True if the head is the token embedding.</summary>
    public abstract bool HeadIsTied { get; }

    /// <summary>The canonical tensors in the order of computation: everything a checkpoint of this spec must hold, and nothing else.</summary>
    public abstract IReadOnlyList<ModelTensor> ListTensors();

    /// <summary>Blocks of a stack; 0 if the model has no such stack.</summary>
    public abstract int LayerCountOf(StackKind stack);

    /// <summary>Experts of a block; 0 if it has none.</summary>
    public virtual int ExpertCountOf(int layer) => 0;

    /// <summary>The attention of a block, or null if it has none.</summary>
    public virtual AttentionSpec? AttentionOf(StackKind stack, int layer) => null;

    /// <summary>Rotary frequencies that a file may state as tensors of their own, or null.</summary>
    internal virtual int? RotaryFrequencyCount => null;
}
