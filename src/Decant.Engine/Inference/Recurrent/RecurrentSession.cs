using System.Globalization;
using Decant.Core.Errors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Recurrent;

/// <summary>
/// One text and the state it left in a recurrent model. Tokens are appended; the memory does not grow with them. Not for use by two threads at once.
/// <para>
/// If a call fails or is cancelled, the session holds what it held before the call.
/// </para>
/// </summary>
public sealed unsafe class RecurrentSession : ILanguageModelSession
{
    private readonly RecurrentDecoder decoder;
    private readonly LogitsTile logits = new();
    private AlignedBuffer state;
    private AlignedBuffer next;
    private bool disposed;

    internal RecurrentSession(RecurrentDecoder decoder, int capacity)
    {
        this.decoder = decoder;
        Capacity = capacity;
        state = new AlignedBuffer(decoder.StateByteCount, "The state of a text", "");
        try
        {
            // What a call computes; taken over when it is done.
            next = new AlignedBuffer(decoder.StateByteCount, "The state of a text", "");
        }
        catch
        {
            state.Dispose();
            throw;
        }
        decoder.Pass.Reset(state.Floats);
    }

    /// <summary>Tokens that the state has seen.</summary>
    public int Length { get; private set; }

    /// <summary>The most tokens it takes.</summary>
    public int Capacity { get; }

    /// <summary>The state, however long the text.</summary>
    public long RememberedByteCount(int length) => decoder.StateByteCount;

    /// <summary>Forgets all tokens.</summary>
    public void Reset()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        decoder.Pass.Reset(state.Floats);
        Length = 0;
    }

    /// <inheritdoc/>
    public int Rewind(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        if (length != Length)
            Reset();
        return Length;
    }

    /// <summary>Copies the state, so that texts that begin alike are read once: see <see cref="Restore"/>. Earlier lengths cannot be had back otherwise.</summary>
    public RecurrentState Save()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        return new RecurrentState(decoder, Length, new ReadOnlySpan<float>(state.Floats, decoder.StateLength).ToArray());
    }

    /// <summary>Goes on from a state that a session of the same decoder saved; what this session held is forgotten.</summary>
    /// <param name="saved">The state; it may be restored again and by others.</param>
    /// <exception cref="ArgumentException">The state is another decoder's.</exception>
    /// <exception cref="UsageException">Its text is longer than this session may grow.</exception>
    public void Restore(RecurrentState saved)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentNullException.ThrowIfNull(saved);
        if (!saved.BelongsTo(decoder))
            throw new ArgumentException("The state belongs to another decoder.", nameof(saved));
        if (saved.Length > Capacity)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The saved text of {saved.Length} tokens does not fit into {Capacity}."));
        saved.Elements.CopyTo(new Span<float>(state.Floats, decoder.StateLength));
        Length = saved.Length;
    }

    /// <summary>Runs tokens after those seen.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="cancellationToken">Stops the call; the session is then as before.</param>
    /// <returns>The logits that follow the last token; valid until the next call.</returns>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    /// <exception cref="NumericalException">A logit is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    public ReadOnlySpan<float> Append(ReadOnlySpan<int> ids, CancellationToken cancellationToken = default)
    {
        lock (decoder.Gate)
        {
            Run(ids, ids.Length - 1, null, cancellationToken);
            return new ReadOnlySpan<float>(logits.Reserve(decoder.Spec.VocabularySize), decoder.Spec.VocabularySize);
        }
    }

    /// <summary>Runs tokens after those seen and shows the logits at each of their positions from <paramref name="firstPosition"/> on, in order.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="firstPosition">The first index within <paramref name="ids"/> whose logits are wanted.</param>
    /// <param name="visit">Called on this thread; the logits at position p are those of the token after ids[p].</param>
    /// <param name="cancellationToken">Stops the call; the session is then as before.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    /// <exception cref="NumericalException">A logit is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        lock (decoder.Gate)
            Run(ids, firstPosition, visit, cancellationToken);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        state.Dispose();
        next.Dispose();
        logits.Dispose();
    }

    private void Run(ReadOnlySpan<int> ids, int firstLogits, LogitsVisitor? visit, CancellationToken cancellationToken)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        decoder.ThrowIfDisposed();
        TokenIds.RequireSome(ids);
        if (ids.Length > Capacity - Length)
            throw Full(ids.Length);
        TokenIds.RequireKnown(ids, decoder.Spec.VocabularySize);
        if (decoder.IsRunning)
            throw new InvalidOperationException("A decoder cannot be run from inside the visitor of its own logits.");
        decoder.IsRunning = true;
        try
        {
            new ReadOnlySpan<float>(state.Floats, decoder.StateLength).CopyTo(new Span<float>(next.Floats, decoder.StateLength));
            for (int first = 0; first < ids.Length; first += decoder.BatchLength)
            {
                int count = Math.Min(decoder.BatchLength, ids.Length - first);
                decoder.Pass.Run(ids.Slice(first, count), next.Floats, cancellationToken);
                ShowLogits(first, Math.Clamp(firstLogits - first, 0, count), count, visit, cancellationToken);
            }
        }
        catch (NumericalException error)
        {
            throw DamagedWeights.Find(decoder.Model, cancellationToken) is { } damage ? new NumericalException($"{error.Message} {damage}", error) : error;
        }
        finally
        {
            decoder.IsRunning = false;
        }
        (state, next) = (next, state);
        Length += ids.Length;
    }

    /// <summary>Computes the logits of some positions of the last run, in tiles of nearly equal height.</summary>
    private void ShowLogits(int firstInCall, int begin, int end, LogitsVisitor? visit, CancellationToken cancellationToken)
    {
        int vocabulary = decoder.Spec.VocabularySize;
        int tiles = LogitsTile.Count(end - begin, vocabulary);
        for (int tile = 0; tile < tiles; tile++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int first = begin + WorkerPool.Boundary(end - begin, 1, tile, tiles);
            int count = begin + WorkerPool.Boundary(end - begin, 1, tile + 1, tiles) - first;
            float* values = logits.Reserve((long)count * vocabulary);
            decoder.Pass.Head(first, count, values);
            for (int row = 0; row < count; row++)
            {
                var own = new ReadOnlySpan<float>(values + (long)row * vocabulary, vocabulary);
                int position = firstInCall + first + row;
                LogitsTile.RequireFinite(own, "the text", 0, Length + position);
                visit?.Invoke(position, own);
            }
        }
    }

    private UsageException Full(int count) => new(string.Create(
        CultureInfo.InvariantCulture, $"The context is full: {Length} tokens and {count} more do not fit into {Capacity}. Use a longer context (--context)."));
}
