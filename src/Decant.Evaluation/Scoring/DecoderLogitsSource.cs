using Decant.Engine.Inference;

namespace Decant.Evaluation.Scoring;

/// <summary>A decoder as a source of logits: a session that is emptied before every window, and more of them for windows that are read together.</summary>
public sealed class DecoderLogitsSource : ILogitsSource
{
    private readonly Decoder decoder;
    private readonly DecoderBatch batch;

    // The first holds any window; the others are as large as the windows they met.
    private readonly List<DecoderSession> sessions = [];

    /// <summary>Starts a session on a decoder, which must outlive it.</summary>
    /// <param name="name">The model's location, for messages.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="capacity">Room for this many tokens.</param>
    public DecoderLogitsSource(string name, Decoder decoder, int capacity)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        Name = name;
        this.decoder = decoder;
        sessions.Add(decoder.StartSession(capacity));
        batch = new DecoderBatch(decoder);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int VocabularySize => decoder.Spec.VocabularySize;

    /// <inheritdoc/>
    public int Capacity => sessions[0].Capacity;

    /// <inheritdoc/>
    public int BatchLength => decoder.BatchLength;

    /// <inheritdoc/>
    public void Reset() => sessions[0].Reset();

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken) =>
        sessions[0].Score(ids, firstPosition, visit, cancellationToken);

    /// <inheritdoc/>
    public void ScoreWindows(IReadOnlyList<TokenWindow> windows, WindowBatch batch, BatchLogitsVisitor visit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(windows);
        this.batch.Clear();
        for (int i = 0; i < batch.Count; i++)
        {
            TokenWindow window = windows[batch.First + i];
            ReadOnlySpan<int> ids = window.Ids.Span[..^1];
            DecoderSession session = Session(i, ids.Length);
            session.Reset();
            this.batch.Add(session, ids, window.FirstTarget - 1, FormattableString.Invariant($"window {batch.First + i} of {Name}"));
        }
        this.batch.Run(visit, cancellationToken);
        Reset();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        batch.Dispose();
        sessions.ForEach(session => session.Dispose());
    }

    private DecoderSession Session(int index, int length)
    {
        if (index == sessions.Count)
            sessions.Add(decoder.StartSession(length));
        if (index > 0 && sessions[index].Capacity < length)
        {
            sessions[index].Dispose();
            sessions[index] = decoder.StartSession(length);
        }
        return sessions[index];
    }
}
