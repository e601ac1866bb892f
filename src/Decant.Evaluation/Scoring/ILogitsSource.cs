using Decant.Engine.Inference;

namespace Decant.Evaluation.Scoring;

/// <summary>A model that predicts: token ids in, a stream of logits out. What every protocol measures. Not safe for several threads at once.</summary>
public interface ILogitsSource : IDisposable
{
    /// <summary>The model's location, for messages.</summary>
    string Name { get; }

    /// <summary>Values in a row of logits.</summary>
    int VocabularySize { get; }

    /// <summary>The most ids that may follow a <see cref="Reset"/>.</summary>
    int Capacity { get; }

    /// <summary>Ids that are worth reading at once: shorter windows are read several at a time.</summary>
    int BatchLength { get; }

    /// <summary>Forgets all ids seen so far.</summary>
    void Reset();

    /// <summary>Reads <paramref name="ids"/> after those seen since the last <see cref="Reset"/>.</summary>
    /// <param name="ids">The next ids.</param>
    /// <param name="firstPosition">Index within <paramref name="ids"/> of the first position whose logits are wanted.</param>
    /// <param name="visit">Called once for each position from <paramref name="firstPosition"/> to the last, in order.</param>
    /// <param name="cancellationToken">Stops between tiles.</param>
    void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken);

    /// <summary>Reads windows, each by itself, and forgets them. The last id of a window is not read, for it is only predicted.</summary>
    /// <param name="windows">All windows of the job.</param>
    /// <param name="batch">Which of them are read.</param>
    /// <param name="visit">Called once for each position that predicts a target, window by window and in order; entry 0 is the batch's first window.</param>
    /// <param name="cancellationToken">Stops between tiles.</param>
    void ScoreWindows(IReadOnlyList<TokenWindow> windows, WindowBatch batch, BatchLogitsVisitor visit, CancellationToken cancellationToken);
}
