using System.Globalization;
using Decant.Core.Errors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// One text and its key-value cache. Tokens are appended; what was computed for earlier ones is reused. Not for use by two threads at once.
/// <para>
/// If a call fails or is cancelled, the session holds what it held before the call.
/// </para>
/// </summary>
public sealed unsafe class DecoderSession : IDisposable
{
    // Logits of this many bytes are computed at a time: enough tokens that decoding the head's rows is spread over many, without
    // vocabulary × tokens in memory.
    private const int LogitsTileByteCount = 16 << 20;
    private const int LargestLogitsTile = 64;

    private readonly Decoder decoder;
    private readonly KvCache cache;
    private AlignedBuffer? logits;
    private bool disposed;

    internal DecoderSession(Decoder decoder, KvCache cache)
    {
        this.decoder = decoder;
        this.cache = cache;
    }

    /// <summary>Tokens in the cache.</summary>
    public int Length { get; private set; }

    /// <summary>The most tokens it can hold.</summary>
    public int Capacity => cache.Capacity;

    /// <summary>Memory of the cache.</summary>
    public long CacheByteCount => cache.ByteCount;

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

    /// <summary>Runs tokens after the cached ones.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="cancellationToken">Stops the call; the session is then as before.</param>
    /// <returns>The logits that follow the last token; valid until the next call.</returns>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    public ReadOnlySpan<float> Append(ReadOnlySpan<int> ids, CancellationToken cancellationToken = default)
    {
        Check(ids);
        lock (decoder.Gate)
        {
            decoder.ThrowIfDisposed();
            int textLength = Length + ids.Length;
            ForwardPass pass = decoder.Pass;
            int batch = decoder.Options.BatchLength;
            int last = 0;
            for (int first = 0; first < ids.Length; first += batch)
            {
                int count = Math.Min(batch, ids.Length - first);
                pass.Run(cache, ids.Slice(first, count), Length + first, textLength, cancellationToken);
                last = count - 1;
                if (decoder.Options.Observer is not null)
                {
                    pass.FinalNorm(0, count);
                    pass.ObserveFinal(count);
                }
            }
            if (decoder.Options.Observer is null)
                pass.FinalNorm(last, 1);
            float* result = Logits(1);
            pass.Head(last, 1, result);
            Length = textLength;
            return new ReadOnlySpan<float>(result, decoder.Spec.VocabularySize);
        }
    }

    /// <summary>Runs tokens after the cached ones and shows the logits at each of their positions from <paramref name="firstPosition"/> on, in order.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="firstPosition">The first index within <paramref name="ids"/> whose logits are wanted.</param>
    /// <param name="visit">Called on this thread; the logits at position p are those of the token after ids[p].</param>
    /// <param name="cancellationToken">Stops the call; the session is then as before.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        Check(ids);
        lock (decoder.Gate)
        {
            decoder.ThrowIfDisposed();
            int textLength = Length + ids.Length;
            ForwardPass pass = decoder.Pass;
            int batch = decoder.Options.BatchLength;
            for (int first = 0; first < ids.Length; first += batch)
            {
                int count = Math.Min(batch, ids.Length - first);
                pass.Run(cache, ids.Slice(first, count), Length + first, textLength, cancellationToken);
                int skipped = Math.Clamp(firstPosition - first, 0, count);
                bool observed = decoder.Options.Observer is not null;
                pass.FinalNorm(observed ? 0 : skipped, observed ? count : count - skipped);
                pass.ObserveFinal(count);
                ScoreRows(first, skipped, count, visit, cancellationToken);
            }
            Length = textLength;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        cache.Dispose();
        logits?.Dispose();
    }

    private void ScoreRows(int firstPosition, int firstRow, int endRow, LogitsVisitor visit, CancellationToken cancellationToken)
    {
        int vocabulary = decoder.Spec.VocabularySize;
        int tile = (int)Math.Clamp(LogitsTileByteCount / ((long)vocabulary * sizeof(float)), 1, LargestLogitsTile);
        for (int row = firstRow; row < endRow; row += tile)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(tile, endRow - row);
            float* values = Logits(count);
            decoder.Pass.Head(row, count, values);
            for (int i = 0; i < count; i++)
                visit(firstPosition + row + i, new ReadOnlySpan<float>(values + (long)i * vocabulary, vocabulary));
        }
    }

    private float* Logits(int rowCount)
    {
        long byteCount = (long)rowCount * decoder.Spec.VocabularySize * sizeof(float);
        if (logits is null || logits.ByteCount < byteCount)
        {
            logits?.Dispose();
            logits = new AlignedBuffer(byteCount, "The logits", "");
        }
        return logits.Floats;
    }

    private void Check(ReadOnlySpan<int> ids)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (ids.IsEmpty)
            throw new UsageException("There are no tokens to run: the prompt is empty.");
        if (ids.Length > Capacity - Length)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture, $"The context is full: {Length} tokens and {ids.Length} more do not fit into {Capacity}. Use a longer context (--context)."));
        }
        int vocabulary = decoder.Spec.VocabularySize;
        for (int i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)vocabulary)
            {
                throw new UsageException(string.Create(
                    CultureInfo.InvariantCulture, $"Token {i} of the call is {ids[i]}; the model's vocabulary has ids 0 to {vocabulary - 1}. Does the tokenizer belong to this model?"));
            }
        }
    }
}
