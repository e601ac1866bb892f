using System.Globalization;
using System.Runtime.InteropServices;
using Decant.Core.Errors;

namespace Decant.Engine.Inference;

/// <summary>
/// New tokens of several texts that are run together: some may be prompts that are read, others texts that grow by a token. Weights are read
/// once for all rows, which is what makes eight texts cost little more than one. Texts join and leave between runs: fill the batch, run it,
/// fill it again. Not for use by two threads at once.
/// <para>
/// A text's results do not depend on which other texts are in the batch, only on the way that products take, for few rows or for many: the two take sums
/// in another order. Many are, in <see cref="DecoderArithmetic.Float"/>, 6 and more; in <see cref="DecoderArithmetic.Fast"/> 4 and more, for F32, F16 and
/// BF16 17, for codes of 8 bits 10, or 33 where their rows have been brought side by side. As long as
/// it is the same way, a text has the same bytes in any company; otherwise its logits agree to the rounding of single precision, in
/// <see cref="DecoderArithmetic.Fast"/> to that of 8 bits now and then, where an activation lies between two codes. What counts is the
/// rows of a pass for the blocks, the rows whose logits are wanted for the head, and the rows routed to an expert for experts.
/// </para>
/// <para>
/// If a run fails or is cancelled, every session holds what it held before it, and the batch what was added to it.
/// </para>
/// </summary>
/// <param name="decoder">The decoder of all sessions; it must outlive the batch.</param>
public sealed class DecoderBatch(Decoder decoder) : IDisposable
{
    private readonly Decoder decoder = decoder ?? throw new ArgumentNullException(nameof(decoder));
    private readonly List<BatchEntry> entries = [];
    private readonly List<int> ids = [];
    private readonly LogitsTile logits = new();
    private bool running;
    private bool disposed;

    /// <summary>Texts added since the last run.</summary>
    public int Count => entries.Count;

    /// <summary>Tokens added since the last run.</summary>
    public int TokenCount => ids.Count;

    /// <summary>Adds tokens that follow what a session holds; the logits of the last are wanted.</summary>
    /// <param name="session">A session of the batch's decoder that is not yet in the batch.</param>
    /// <param name="tokens">At least one token.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    /// <exception cref="ArgumentException">The session belongs to another decoder or is in the batch already.</exception>
    public void Add(DecoderSession session, ReadOnlySpan<int> tokens) => Add(session, tokens, Math.Max(0, tokens.Length - 1));

    /// <summary>Adds tokens that follow what a session holds.</summary>
    /// <param name="session">A session of the batch's decoder that is not yet in the batch.</param>
    /// <param name="tokens">At least one token.</param>
    /// <param name="firstPosition">The first index within <paramref name="tokens"/> whose logits are wanted; their number if none are.</param>
    /// <param name="name">What messages of failures call the text, as in "window 3"; null for its number in the batch.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit; names the text.</exception>
    /// <exception cref="ArgumentException">The session belongs to another decoder or is in the batch already.</exception>
    public void Add(DecoderSession session, ReadOnlySpan<int> tokens, int firstPosition, string? name = null)
    {
        ThrowIfUnusable();
        ArgumentNullException.ThrowIfNull(session);
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        if (!session.BelongsTo(decoder))
            throw new ArgumentException("The session belongs to another decoder; a batch runs sessions of one.", nameof(session));
        try
        {
            session.Check(tokens);
        }
        catch (UsageException error)
        {
            throw Named(error, entries.Count, name);
        }
        for (int i = 0; i < entries.Count; i++)
        {
            if (entries[i].Session == session)
            {
                throw new ArgumentException(string.Create(
                    CultureInfo.InvariantCulture, $"The session is in the batch already, as entry {i}. Add all its tokens at once, or run the batch between."), nameof(session));
            }
        }
        entries.Add(new BatchEntry(session, ids.Count, tokens.Length, Math.Min(firstPosition, tokens.Length), name));
        ids.AddRange(tokens);
    }

    /// <summary>Runs all tokens added and empties the batch. Nothing is done if it is empty.</summary>
    /// <param name="visit">
    /// Sees the logits asked for, text by text in the order of adding and in the order of positions, on this thread; or null.
    /// It may not use the decoder, its sessions or the batch: what follows is added when the run has ended.
    /// </param>
    /// <param name="cancellationToken">Stops the run.</param>
    /// <exception cref="UsageException">A session has grown since it was added, and the tokens no longer fit; names the text.</exception>
    /// <exception cref="NumericalException">A logit, key or value is not finite, or one is too large for the cache's format; names the text, the position and, if one is damaged, the weight.</exception>
    /// <exception cref="ObjectDisposedException">A session or the decoder was disposed.</exception>
    public void Run(BatchLogitsVisitor? visit, CancellationToken cancellationToken = default)
    {
        ThrowIfUnusable();
        if (entries.Count == 0)
            return;
        lock (decoder.Gate)
        {
            decoder.ThrowIfDisposed();
            CheckRoom();
            running = true;
            try
            {
                decoder.Runner.Run(CollectionsMarshal.AsSpan(entries), CollectionsMarshal.AsSpan(ids), logits, visit, cancellationToken);
            }
            finally
            {
                running = false;
            }
        }
        Clear();
    }

    /// <summary>Takes out all that was added.</summary>
    public void Clear()
    {
        ThrowIfRunning();
        entries.Clear();
        ids.Clear();
    }

    /// <summary>Frees the memory of logits; the sessions live on.</summary>
    public void Dispose()
    {
        Clear();
        disposed = true;
        logits.Dispose();
    }

    private void CheckRoom()
    {
        for (int i = 0; i < entries.Count; i++)
        {
            try
            {
                entries[i].Session.CheckRoom(entries[i].IdCount);
            }
            catch (UsageException error)
            {
                throw Named(error, i, entries[i].Name);
            }
        }
    }

    private static UsageException Named(UsageException error, int index, string? name) =>
        new(FormattableString.Invariant($"{name ?? FormattableString.Invariant($"Text {index} of the batch")}: {error.Message}"), error);

    private void ThrowIfUnusable()
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        ThrowIfRunning();
    }

    private void ThrowIfRunning()
    {
        if (running)
            throw new InvalidOperationException("The batch is running. Keep what its visitor decides and add it when the run has ended.");
    }
}
