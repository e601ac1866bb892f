namespace Decant.Compression.Verification;

/// <summary>What may differ between two versions of a model's weights.</summary>
internal sealed record WeightAgreementOptions
{
    /// <summary>False to ask only for finite values: the method that was used may change weights at will.</summary>
    public bool CompareWeights { get; init; } = true;

    /// <summary>True if weights were rounded to their format without importance values, which may give up a large weight for many small ones.</summary>
    public bool IsPlainRounding { get; init; } = true;

    /// <summary>True if weights are stored in a plain type after rounding to a coarser one, as in a folder that <c>compress</c> wrote.</summary>
    public bool MayBeRounded { get; init; }
}
