using Decant.Engine.Inference;

namespace Decant.Engine.Kernels;

/// <summary>How one storage format is decoded, and multiplied in single precision, with one instruction set.</summary>
/// <param name="format">The format's name.</param>
/// <param name="instructions">What the processor must have.</param>
internal abstract unsafe class WeightKernel(string format, InstructionSet instructions) : ProductKernel(format, instructions, DecoderArithmetic.Float)
{
    /// <inheritdoc/>
    public override int MostFewTokens => ProductInput.SmallestTileTokenCount - 1;

    /// <summary>Decodes whole blocks, bit for bit as the format's definition does.</summary>
    /// <param name="source">The first block.</param>
    /// <param name="destination">Receives <paramref name="count"/> elements.</param>
    /// <param name="count">A whole number of blocks.</param>
    public abstract void Decode(byte* source, float* destination, int count);
}
