using Decant.Engine.Inference;

namespace Decant.Evaluation.Scoring;

/// <summary>A decoder as a source of logits: one session, emptied before every window.</summary>
public sealed class DecoderLogitsSource : ILogitsSource
{
    private readonly DecoderSession session;

    /// <summary>Starts a session on a decoder, which must outlive it.</summary>
    /// <param name="name">The model's location, for messages.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="capacity">Room for this many tokens.</param>
    public DecoderLogitsSource(string name, Decoder decoder, int capacity)
    {
        Name = name;
        VocabularySize = decoder.Spec.VocabularySize;
        session = decoder.StartSession(capacity);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <inheritdoc/>
    public int Capacity => session.Capacity;

    /// <inheritdoc/>
    public void Reset() => session.Reset();

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken) =>
        session.Score(ids, firstPosition, visit, cancellationToken);

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
