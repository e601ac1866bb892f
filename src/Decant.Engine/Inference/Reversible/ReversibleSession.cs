using System.Globalization;
using System.Runtime.InteropServices;
using Decant.Core.Errors;

namespace Decant.Engine.Inference.Reversible;

/// <summary>
/// A text of a reversible transformer. It is computed as a whole at every call, since a token more may move others into other chunks: writing n tokens costs
/// n texts.
/// </summary>
public sealed class ReversibleSession : ILanguageModelSession
{
    private readonly ReversibleTransformer model;
    private readonly List<int> held = [];
    private readonly float[] last;
    private bool disposed;

    internal ReversibleSession(ReversibleTransformer model, int capacity)
    {
        this.model = model;
        Capacity = capacity;
        last = new float[model.VocabularySize];
    }

    /// <inheritdoc/>
    public int Length => held.Count;

    /// <inheritdoc/>
    public int Capacity { get; }

    /// <summary>0: nothing but the tokens is remembered.</summary>
    public long RememberedByteCount(int length) => 0;

    /// <inheritdoc/>
    public void Reset() => held.Clear();

    /// <inheritdoc/>
    public int Rewind(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        held.RemoveRange(length, held.Count - length);
        return length;
    }

    /// <inheritdoc/>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, more tokens than fit, or a model that sees what follows a position.</exception>
    public ReadOnlySpan<float> Append(ReadOnlySpan<int> ids, CancellationToken cancellationToken = default)
    {
        if (!model.Spec.Causal)
            throw new UsageException("The model sees the tokens behind a position as well as those before it (is_decoder: false): it continues no text.");
        Score(ids, ids.Length - 1, (_, logits) => logits.CopyTo(last), cancellationToken);
        return last;
    }

    /// <inheritdoc/>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentNullException.ThrowIfNull(visit);
        TokenIds.RequireSome(ids);
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        if (ids.Length > Capacity - Length)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture, $"The context is full: {Length} tokens and {ids.Length} more do not fit into {Capacity}. {(Capacity < model.MaximumLength ? "Use a longer context (--context)." : "The model takes no more.")}"));
        }
        int before = held.Count;
        held.AddRange(ids);
        bool done = false;
        try
        {
            model.Score(CollectionsMarshal.AsSpan(held), before + Math.Min(firstPosition, ids.Length), (position, logits) => visit(position - before, logits), cancellationToken);
            done = true;
        }
        finally
        {
            if (!done)
                held.RemoveRange(before, held.Count - before);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => disposed = true;
}
