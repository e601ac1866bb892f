using Decant.Engine.Inference;

namespace Decant.Engine.Kernels;

/// <summary>How one storage format is decoded and multiplied with one instruction set.</summary>
/// <param name="format">The format's name.</param>
/// <param name="instructions">What the processor must have.</param>
/// <param name="arithmetic">What it computes in.</param>
internal abstract unsafe class WeightKernel(string format, InstructionSet instructions, DecoderArithmetic arithmetic = DecoderArithmetic.Float)
{
    /// <summary>As in <c>avx512-q4_0</c>.</summary>
    public string Name { get; } = NameOf(format, instructions, arithmetic);

    /// <summary>The format it reads, as ggml spells it.</summary>
    public string Format { get; } = format;

    /// <summary>What the processor must have.</summary>
    public InstructionSet Instructions { get; } = instructions;

    /// <summary>The name of the kernel of a format on an instruction set.</summary>
    public static string NameOf(string format, InstructionSet instructions, DecoderArithmetic arithmetic) =>
        $"{instructions.Name}-{format.ToLowerInvariant()}{(arithmetic == DecoderArithmetic.Fast ? "-int8" : "")}";

    /// <summary>Brings the activations into the form that <see cref="Multiply"/> reads; called before it by the thread that dispatches.</summary>
    public virtual void Prepare(ProductInput input)
    {
    }

    /// <summary>Rows that are computed together for so many tokens.</summary>
    public virtual int RowUnit(int tokenCount) => 1;

    /// <summary>Columns that share a scale when activations are rounded to 8 bits for so many tokens, or 0 if they are not rounded.</summary>
    public virtual int RoundedBlockLength(int tokenCount) => 0;

    /// <summary>Decodes whole blocks, bit for bit as the format's definition does.</summary>
    /// <param name="source">The first block.</param>
    /// <param name="destination">Receives <paramref name="count"/> elements.</param>
    /// <param name="count">A whole number of blocks.</param>
    public abstract void Decode(byte* source, float* destination, int count);

    /// <summary>y[t · yStride + r] = Σ W[r, c] · x[t][c].</summary>
    /// <param name="rows">The first row's bytes.</param>
    /// <param name="rowByteCount">Bytes between rows.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="input">The activations.</param>
    /// <param name="y">Results, one row per token.</param>
    /// <param name="yStride">Elements between tokens of y.</param>
    /// <param name="scratch">Memory of this thread.</param>
    public abstract void Multiply(byte* rows, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch);
}
