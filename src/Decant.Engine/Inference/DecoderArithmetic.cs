namespace Decant.Engine.Inference;

/// <summary>What the products of weights and activations are computed in.</summary>
public enum DecoderArithmetic
{
    /// <summary>Single precision throughout: what evaluation uses.</summary>
    Float,

    /// <summary>Where a weight's format and the processor allow, activations are rounded to 8 bits in blocks of 32 or 256 and products run in whole numbers.</summary>
    Fast,
}
