using Decant.Engine.Inference;

namespace Decant.Engine.Kernels;

/// <summary>The numbers of tokens that a product kernel is written for.</summary>
[Flags]
internal enum ProductShapes
{
    /// <summary>Matrix times few vectors: bound by reading the weights.</summary>
    FewTokens = 1,

    /// <summary>Matrix times matrix: bound by arithmetic.</summary>
    ManyTokens = 2,
}

/// <summary>How the weights of one storage format are multiplied with activations on one instruction set.</summary>
/// <param name="format">The format's name.</param>
/// <param name="instructions">What the processor must have.</param>
/// <param name="arithmetic">What it computes in.</param>
internal abstract unsafe class ProductKernel(string format, InstructionSet instructions, DecoderArithmetic arithmetic)
{
    /// <summary>As in <c>avx512-q4_0</c>, or <c>avx512-q4_0-int8</c> with activations of 8 bits.</summary>
    public string Name { get; } = NameOf(format, instructions, arithmetic);

    /// <summary>The format it reads, as ggml spells it.</summary>
    public string Format { get; } = format;

    /// <summary>What the processor must have.</summary>
    public InstructionSet Instructions { get; } = instructions;

    /// <summary>The most tokens that are few: with more a weight's other kernel, or this one's other way, is quicker.</summary>
    public abstract int MostFewTokens { get; }

    /// <summary>The name of the kernel of a format on an instruction set.</summary>
    public static string NameOf(string format, InstructionSet instructions, DecoderArithmetic arithmetic) =>
        $"{instructions.Name}-{format.ToLowerInvariant()}{(arithmetic == DecoderArithmetic.Fast ? "-int8" : "")}";

    /// <summary>The kernel for a matrix of such rows: this one, or one that computes the same from them in less time.</summary>
    /// <param name="rows">The first row's bytes.</param>
    /// <param name="rowByteCount">Bytes between rows.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="columnCount">Elements of a row.</param>
    public virtual ProductKernel ForRows(byte* rows, long rowByteCount, int rowCount, int columnCount) => this;

    /// <summary>The kernel for decoders that compute so: this one, or one that draws the line between few tokens and many elsewhere.</summary>
    public virtual ProductKernel ForArithmetic(DecoderArithmetic arithmetic) => this;

    /// <summary>Brings the activations into the form that <see cref="Multiply"/> reads; called before it by the thread that dispatches.</summary>
    public virtual void Prepare(ProductInput input)
    {
    }

    /// <summary>Rows that are computed together for so many tokens.</summary>
    public virtual int RowUnit(int tokenCount) => 1;

    /// <summary>Multiplications between two looks at a cancellation token: some milliseconds of a fast thread, some 50 of a slow one.</summary>
    /// <param name="tokenCount">Tokens that rows are multiplied with.</param>
    public virtual long LongestUncheckedWork(int tokenCount) => 1L << 28;

    /// <summary>Columns that share a scale when activations are rounded to 8 bits, or 0 if they are not rounded.</summary>
    public virtual int RoundedBlockLength => 0;

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
