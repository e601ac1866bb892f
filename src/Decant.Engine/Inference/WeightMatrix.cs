using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// What a linear layer holds. Rows are outputs, columns inputs: y = W x. Products are asked for by ranges of rows, so that a caller can
/// split them over threads; the values do not depend on how they are split.
/// </summary>
internal abstract unsafe class WeightMatrix : IDisposable
{
    /// <summary>Outputs.</summary>
    public abstract int RowCount { get; }

    /// <summary>Inputs.</summary>
    public abstract int ColumnCount { get; }

    /// <summary>Bytes of the stored matrix, in a map or in memory.</summary>
    public abstract long ByteCount { get; }

    /// <summary>Multiply–adds for one token.</summary>
    public long MultiplyAddCount => (long)RowCount * ColumnCount;

    /// <summary>The kernel chosen for it.</summary>
    public abstract string KernelName { get; }

    /// <summary>y[t · yStride + (row − firstRow)] = Σ W[row, c] · x[t][c] for all tokens of the input.</summary>
    /// <param name="firstRow">First output.</param>
    /// <param name="rowCount">Outputs.</param>
    /// <param name="input">The activations.</param>
    /// <param name="y">Where output <paramref name="firstRow"/> of the first token goes.</param>
    /// <param name="yStride">Elements between tokens of y.</param>
    /// <param name="scratch">Memory of this thread.</param>
    public abstract void Multiply(int firstRow, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch);

    /// <summary>Brings the activations into the form that <see cref="Multiply"/> reads; called before it by the thread that dispatches.</summary>
    public virtual void Prepare(ProductInput input)
    {
    }

    /// <summary>Rows that are computed together for so many tokens: ranges of rows are best multiples of it.</summary>
    public virtual int RowUnit(int tokenCount) => 1;

    /// <summary>Multiplications of so many tokens between two looks at a cancellation token: see <see cref="ProductKernel.LongestUncheckedWork"/>.</summary>
    public abstract long LongestUncheckedWork(int tokenCount);

    /// <summary>Bits that activations of so many tokens are rounded to, 8 or 16, to be multiplied in whole numbers; 32 if the product is single precision's.</summary>
    public virtual int ActivationBits(int tokenCount) => 32;

    /// <summary>Decodes one row to single precision.</summary>
    public abstract void DecodeRow(int row, float* destination);

    /// <inheritdoc/>
    public virtual void Dispose()
    {
    }
}
