using System.Globalization;
using Decant.Core.Errors;

namespace Decant.Engine.Inference;

/// <summary>
/// One text and its key-value cache. Tokens are appended; what was computed for earlier ones is reused. Not for use by two threads at once.
/// <para>
/// If a call fails or is cancelled, the session holds what it held before the call.
/// </para>
/// </summary>
public sealed unsafe class DecoderSession : ILanguageModelSession
{
    private readonly Decoder decoder;
    private readonly LogitsTile logits = new();
    private bool disposed;

    internal DecoderSession(Decoder decoder, KvCache cache, EncodedSource? source)
    {
        this.decoder = decoder;
        Cache = cache;
        Source = source;
    }

    /// <summary>Tokens in the cache.</summary>
    public int Length { get; private set; }

    /// <summary>The most tokens it can hold.</summary>
    public int Capacity => Cache.Capacity;

    /// <summary>Memory of the cache.</summary>
    public long CacheByteCount => Cache.ByteCount;

    /// <inheritdoc/>
    public long RememberedByteCount(int length) => (long)((double)CacheByteCount / Capacity * length);

    /// <summary>Keys and values.</summary>
    internal KvCache Cache { get; }

    /// <summary>What cross-attention reads, or null in models without an encoder.</summary>
    internal EncodedSource? Source { get; }

    /// <summary>Forgets all tokens.</summary>
    public void Reset() => Length = 0;

    /// <summary>Forgets the tokens from <paramref name="length"/> on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The text is not that long.</exception>
    public void Truncate(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <inheritdoc/>
    public int Rewind(int length)
    {
        Truncate(length);
        return length;
    }

    /// <summary>
    /// Starts another session of the same decoder that holds the first tokens of this one: what many texts have in common is computed once. Keys and
    /// values are copied, so the two do not depend on one another afterwards; a token costs its share of <see cref="CacheByteCount"/>, which is far
    /// less than computing it.
    /// </summary>
    /// <param name="length">Tokens to take over, 0 to <see cref="Length"/>.</param>
    /// <param name="capacity">The most tokens the new session can grow to; at least <paramref name="length"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">This session holds fewer tokens, or the capacity is too small for them.</exception>
    /// <exception cref="UsageException">The model cannot take texts of that capacity.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory; the message says how much is needed.</exception>
    public DecoderSession Fork(int length, int capacity)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, length);
        DecoderSession fork = decoder.StartSession(capacity, Source?.Share());
        fork.Cache.CopyFrom(Cache, length);
        fork.Length = length;
        return fork;
    }

    /// <summary>Runs tokens after the cached ones.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="cancellationToken">Stops the call; the session is then as before.</param>
    /// <returns>The logits that follow the last token; valid until the next call.</returns>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    /// <exception cref="NumericalException">A logit, key or value is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    public ReadOnlySpan<float> Append(ReadOnlySpan<int> ids, CancellationToken cancellationToken = default)
    {
        Check(ids);
        lock (decoder.Gate)
        {
            decoder.ThrowIfDisposed();
            decoder.Runner.Run(this, ids, ids.Length - 1, logits, null, cancellationToken);
            return new ReadOnlySpan<float>(logits.Reserve(decoder.Spec.VocabularySize), decoder.Spec.VocabularySize);
        }
    }

    /// <summary>Runs tokens after the cached ones and shows the logits at each of their positions from <paramref name="firstPosition"/> on, in order.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="firstPosition">The first index within <paramref name="ids"/> whose logits are wanted.</param>
    /// <param name="visit">Called on this thread; the logits at position p are those of the token after ids[p].</param>
    /// <param name="cancellationToken">Stops the call; the session is then as before.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    /// <exception cref="NumericalException">A logit, key or value is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        Check(ids);
        lock (decoder.Gate)
        {
            decoder.ThrowIfDisposed();
            decoder.Runner.Run(this, ids, firstPosition, logits, (_, position, values) => visit(position, values), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        Cache.Dispose();
        Source?.Dispose();
        logits.Dispose();
    }

    /// <summary>True if the session was started by that decoder.</summary>
    internal bool BelongsTo(Decoder other) => decoder == other;

    /// <summary>Counts tokens whose keys and values are now stored.</summary>
    internal void Grow(int count) => Length += count;

    /// <summary>Throws unless the tokens can be run after those the session holds.</summary>
    internal void Check(ReadOnlySpan<int> ids)
    {
        TokenIds.RequireSome(ids);
        CheckRoom(ids.Length);
        TokenIds.RequireKnown(ids, decoder.Spec.VocabularySize);
    }

    /// <summary>Throws unless so many more tokens fit.</summary>
    internal void CheckRoom(int count)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (count > Capacity - Length)
        {
            string remedy = Capacity < decoder.MaximumLength ? "Use a longer context (--context)." : "The model takes no more.";
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture, $"The context is full: {Length} tokens and {count} more do not fit into {Capacity}. {remedy}"));
        }
    }
}
