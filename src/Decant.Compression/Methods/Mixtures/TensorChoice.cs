using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Methods.Mixtures;

/// <summary>Why a tensor gets its format.</summary>
public enum ChoiceReason
{
    /// <summary>Not quantized: a norm, a bias, a router, a small table.</summary>
    Untouched,
    /// <summary>The file type's base format, or a rule of its mixture.</summary>
    Mixture,
    /// <summary>The mixture's format cannot hold rows of this length, so a smaller block takes its place.</summary>
    Fallback,
    /// <summary>The user said so.</summary>
    Override,
}

/// <summary>The format chosen for one tensor.</summary>
/// <param name="Source">The tensor as it is stored now, under its GGUF name.</param>
/// <param name="Target">The format it will be stored in.</param>
/// <param name="Wanted">The format the mixture asked for; differs from <paramref name="Target"/> only in fallbacks.</param>
/// <param name="Reason">Why.</param>
public sealed record TensorChoice(TensorInfo Source, TensorFormat Target, TensorFormat Wanted, ChoiceReason Reason)
{
    /// <summary>True if the stored bytes are taken over as they are.</summary>
    public bool IsCopy => Target == Source.Format;

    /// <summary>Bytes of the tensor in its new format.</summary>
    public long TargetByteCount => checked(Target.RowByteCount(Source.Shape.RowLength) * Source.Shape.RowCount);

    /// <summary>For fallbacks a line that says what happened, else null.</summary>
    public string? Notice => Reason == ChoiceReason.Fallback
        ? $"{Source.Name}: rows of {Source.Shape.RowLength} are no multiple of {Wanted}'s {Wanted.BlockLength}; stored as {Target}"
        : null;
}
