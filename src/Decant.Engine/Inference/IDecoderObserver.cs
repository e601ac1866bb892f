using Decant.Core.Tensors;

namespace Decant.Engine.Inference;

/// <summary>
/// Sees what flows through a decoder: for importance matrices, calibration and tests. Called on the thread that runs the session, in the
/// order of computation, once per batch of at most <see cref="DecoderOptions.BatchLength"/> tokens, which belong to several texts if a
/// <see cref="DecoderBatch"/> is run: those of a text lie together. The spans are valid during the call only.
/// </summary>
public interface IDecoderObserver
{
    /// <summary>The residual stream.</summary>
    /// <param name="index">0 after the embedding stage, i after block i − 1, layers + 1 after the final norm.</param>
    /// <param name="rows">One row of the hidden size per token.</param>
    /// <param name="tokenCount">Rows.</param>
    void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount);

    /// <summary>The input of a matrix product. For an expert: only the rows of tokens routed to it.</summary>
    /// <param name="weight">The matrix.</param>
    /// <param name="rows">One row of the matrix's input width per token.</param>
    /// <param name="tokenCount">Rows.</param>
    void LinearInput(TensorId weight, ReadOnlySpan<float> rows, int tokenCount);
}
