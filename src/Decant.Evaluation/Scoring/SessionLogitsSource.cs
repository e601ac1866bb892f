using Decant.Engine.Inference;

namespace Decant.Evaluation.Scoring;

/// <summary>Any model that predicts what follows a text as a source of logits: one session that is emptied before every window.</summary>
public sealed class SessionLogitsSource : ILogitsSource
{
    private readonly ILanguageModel model;
    private readonly ILanguageModelSession session;

    /// <summary>Starts a session on a model, which must outlive it.</summary>
    /// <param name="name">The model's location, for messages.</param>
    /// <param name="model">The model.</param>
    /// <param name="capacity">Room for this many tokens.</param>
    public SessionLogitsSource(string name, ILanguageModel model, int capacity)
    {
        ArgumentNullException.ThrowIfNull(model);
        Name = name;
        this.model = model;
        session = model.StartSession(capacity);
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public int VocabularySize => model.VocabularySize;

    /// <inheritdoc/>
    public int Capacity => session.Capacity;

    /// <inheritdoc/>
    public int BatchLength => model.BatchLength;

    /// <summary>The source for a model: windows are read together where it can.</summary>
    /// <param name="name">The model's location, for messages.</param>
    /// <param name="model">The model.</param>
    /// <param name="capacity">Room for this many tokens.</param>
    public static ILogitsSource Of(string name, ILanguageModel model, int capacity) =>
        model is Decoder decoder ? new DecoderLogitsSource(name, decoder, capacity) : new SessionLogitsSource(name, model, capacity);

    /// <inheritdoc/>
    public void Reset() => session.Reset();

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken) =>
        session.Score(ids, firstPosition, visit, cancellationToken);

    /// <inheritdoc/>
    public void ScoreWindows(IReadOnlyList<TokenWindow> windows, WindowBatch batch, BatchLogitsVisitor visit, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(windows);
        ArgumentNullException.ThrowIfNull(visit);
        for (int i = 0; i < batch.Count; i++)
        {
            int entry = i;
            TokenWindow window = windows[batch.First + i];
            session.Reset();
            session.Score(window.Ids.Span[..^1], window.FirstTarget - 1, (position, logits) => visit(entry, position, logits), cancellationToken);
        }
        session.Reset();
    }

    /// <inheritdoc/>
    public void Dispose() => session.Dispose();
}
