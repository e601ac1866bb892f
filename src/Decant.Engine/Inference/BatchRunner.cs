using System.Runtime.InteropServices;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;

namespace Decant.Engine.Inference;

/// <summary>
/// Runs calls: cuts the tokens of their texts into pieces, packs pieces into passes and computes the logits asked for. A text of up to
/// <see cref="DecoderOptions.BatchLength"/> tokens is one piece, a longer one is cut at multiples of that length: a piece never depends on what
/// else is in the call. Passes are filled with whole pieces, in order.
/// </summary>
/// <param name="pass">Computes passes.</param>
/// <param name="options">How.</param>
/// <param name="model">What is computed.</param>
internal sealed unsafe class BatchRunner(ForwardPass pass, DecoderOptions options, DecoderModel model)
{
    private readonly int vocabularySize = model.Spec.VocabularySize;
    private readonly List<Segment> segments = [];
    private readonly List<WantedRows> wanted = [];
    private readonly List<BatchEntry> single = [];
    private bool running;

    /// <summary>One text alone: see <see cref="Run(ReadOnlySpan{BatchEntry}, ReadOnlySpan{int}, LogitsTile, BatchLogitsVisitor?, CancellationToken)"/>.</summary>
    public void Run(
        DecoderSession session, ReadOnlySpan<int> ids, int firstLogits, LogitsTile logits, BatchLogitsVisitor? visit, CancellationToken cancellationToken)
    {
        ThrowIfRunning();
        single.Add(new BatchEntry(session, 0, ids.Length, Math.Min(firstLogits, ids.Length), "the text"));
        try
        {
            Run(CollectionsMarshal.AsSpan(single), ids, logits, visit, cancellationToken);
        }
        finally
        {
            // The decoder must not keep a forgotten session's memory.
            single.Clear();
        }
    }

    /// <summary>Runs a call. Sessions have their new length when all of it is done, none of them before.</summary>
    /// <param name="entries">Checked; no session twice.</param>
    /// <param name="ids">The tokens of all entries, one after another.</param>
    /// <param name="logits">Where logits are computed; holds those of the last tile afterwards.</param>
    /// <param name="visit">Sees the logits asked for, entry by entry and in the order of positions; or null.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="NumericalException">A logit, key or value is NaN or infinite; names the text, the position and, if one is damaged, the weight.</exception>
    public void Run(
        ReadOnlySpan<BatchEntry> entries, ReadOnlySpan<int> ids, LogitsTile logits, BatchLogitsVisitor? visit, CancellationToken cancellationToken)
    {
        ThrowIfRunning();
        running = true;
        try
        {
            RunPasses(entries, ids, logits, visit, cancellationToken);
        }
        catch (NumericalException error)
        {
            throw DamagedWeights.Find(model, cancellationToken) is { } damage ? new NumericalException($"{error.Message} {damage}", error) : error;
        }
        finally
        {
            running = false;
            segments.Clear();
            wanted.Clear();
        }
        foreach (BatchEntry entry in entries)
            entry.Session.Grow(entry.IdCount);
    }

    private void ThrowIfRunning()
    {
        // The lock lets its own thread in again.
        if (running)
            throw new InvalidOperationException("A decoder cannot be run from inside the visitor of its own logits.");
    }

    private void RunPasses(
        ReadOnlySpan<BatchEntry> entries, ReadOnlySpan<int> ids, LogitsTile logits, BatchLogitsVisitor? visit, CancellationToken cancellationToken)
    {
        int done = 0;
        int rows = 0;
        for (int index = 0; index < entries.Length; index++)
        {
            BatchEntry entry = entries[index];
            int textLength = entry.Session.Length + entry.IdCount;
            for (int first = 0; first < entry.IdCount; first += options.BatchLength)
            {
                int count = Math.Min(options.BatchLength, entry.IdCount - first);
                if (rows + count > options.BatchLength)
                {
                    RunPass(entries, ids.Slice(done, rows), logits, visit, cancellationToken);
                    done += rows;
                    rows = 0;
                }
                segments.Add(new Segment(entry.Session.Cache, entry.Session.Length + first, rows, count, textLength, index, entry.Name) { Source = entry.Session.Source });
                int skipped = Math.Clamp(entry.FirstLogits - first, 0, count);
                if (skipped < count)
                    wanted.Add(new WantedRows(index, first + skipped, rows + skipped, count - skipped));
                rows += count;
            }
        }
        RunPass(entries, ids.Slice(done, rows), logits, visit, cancellationToken);
    }

    private void RunPass(ReadOnlySpan<BatchEntry> entries, ReadOnlySpan<int> ids, LogitsTile logits, BatchLogitsVisitor? visit, CancellationToken cancellationToken)
    {
        pass.Run(segments, ids, cancellationToken);
        if (options.Observer is not null)
        {
            pass.FinalNorm(ids.Length);
            pass.ObserveFinal(ids.Length);
        }
        int count = 0;
        foreach (WantedRows rows in wanted)
        {
            pass.MoveRows(rows.FirstRow, count, rows.Count);
            count += rows.Count;
        }
        if (options.Observer is null)
            pass.FinalNorm(count);
        ShowLogits(entries, count, logits, visit, cancellationToken);
        segments.Clear();
        wanted.Clear();
    }

    /// <summary>Computes the logits of the first rows of the stream, which are the wanted ones, in tiles of nearly equal height.</summary>
    private void ShowLogits(ReadOnlySpan<BatchEntry> entries, int rowCount, LogitsTile logits, BatchLogitsVisitor? visit, CancellationToken cancellationToken)
    {
        int tiles = LogitsTile.Count(rowCount, vocabularySize);
        int next = 0;
        int visited = 0;
        for (int tile = 0; tile < tiles; tile++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int first = WorkerPool.Boundary(rowCount, 1, tile, tiles);
            int end = WorkerPool.Boundary(rowCount, 1, tile + 1, tiles);
            float* values = logits.Reserve((long)(end - first) * vocabularySize);
            pass.Head(first, end - first, values);
            for (int row = first; row < end; row++)
            {
                if (visited == wanted[next].Count)
                {
                    next++;
                    visited = 0;
                }
                var own = new ReadOnlySpan<float>(values + (long)(row - first) * vocabularySize, vocabularySize);
                int position = wanted[next].FirstPosition + visited++;
                LogitsTile.RequireFinite(own, entries[wanted[next].Entry].Name, wanted[next].Entry, entries[wanted[next].Entry].Session.Length + position);
                visit?.Invoke(wanted[next].Entry, position, own);
            }
        }
    }

    /// <summary>Rows of one entry in a pass whose logits are wanted.</summary>
    private readonly record struct WantedRows(int Entry, int FirstPosition, int FirstRow, int Count);
}
