using System.Runtime.ExceptionServices;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Converts tensors on several threads: each takes a chunk of rows, reads and decodes it, encodes it and hands it to the sink, so that
/// reading, arithmetic and writing overlap. Memory: the buffers of a <see cref="ChunkEncoder"/> for each thread. The bytes do not depend on
/// the number of threads.
/// </summary>
internal sealed class ConversionRunner
{
    private readonly IReadOnlyList<TensorConversion> conversions;
    private readonly IConversionSink sink;
    private readonly int threadCount;
    private readonly Func<int, double>? secondsOf;

    /// <summary>Prepares the work.</summary>
    /// <param name="conversions">What to convert, in the order in which work starts.</param>
    /// <param name="sink">Takes the bytes.</param>
    /// <param name="threadCount">Threads, 0 for all cores.</param>
    /// <param name="secondsOf">Planned time of each tensor, for the time left; without it time counts as source bytes do.</param>
    public ConversionRunner(IReadOnlyList<TensorConversion> conversions, IConversionSink sink, int threadCount, Func<int, double>? secondsOf = null)
    {
        this.conversions = conversions;
        this.sink = sink;
        this.threadCount = threadCount > 0 ? threadCount : Environment.ProcessorCount;
        this.secondsOf = secondsOf;
    }

    /// <summary>
    /// Runs until all is done, something fails or the token is cancelled. Of several failures the one earliest in the work is thrown, whatever
    /// thread met it: chunks are handed out in order and a chunk begun is finished.
    /// </summary>
    /// <param name="isDone">Tensors that need no work.</param>
    /// <param name="progress">Told about source bytes.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public void Run(Func<int, bool> isDone, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var queue = new ChunkQueue(conversions, isDone);
        var meter = new ConversionMeter(conversions, isDone, secondsOf, progress);
        var failures = new SortedList<(int Tensor, int Chunk), Exception>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        void Work()
        {
            (int, int) place = default;
            try
            {
                var encoder = new ChunkEncoder();
                while (!stop.IsCancellationRequested && queue.TryTake(out TensorWork work, out RowChunk chunk))
                {
                    place = (chunk.TensorIndex, chunk.ChunkIndex);
                    RunChunk(encoder, work, chunk, meter);
                }
            }
            catch (Exception e)
            {
                lock (failures)
                    failures.TryAdd(place, e);
                stop.Cancel();
            }
        }

        for (int i = 0; i < conversions.Count; i++)
        {
            if (!isDone(i) && conversions[i].Source.Info.Shape.ElementCount == 0)
                sink.Finish(i, ChunkChecksum.Combine([]));
        }
        Thread[] others = [.. Enumerable.Range(1, threadCount - 1).Select(i => new Thread(Work) { IsBackground = true, Name = $"convert {i}" })];
        foreach (Thread thread in others)
            thread.Start();
        Work();
        foreach (Thread thread in others)
            thread.Join();

        if (failures.Count > 0)
            ExceptionDispatchInfo.Throw(failures.Values[0]);
        cancellationToken.ThrowIfCancellationRequested();
        meter.Complete();
    }

    private void RunChunk(ChunkEncoder encoder, TensorWork work, RowChunk chunk, ConversionMeter meter)
    {
        ReadOnlySpan<byte> bytes = encoder.Encode(work.Conversion, chunk, work.Importance);
        sink.Write(work.Index, chunk.FirstRow * work.Conversion.TargetInfo.RowByteCount, bytes);
        if (work.Finish(chunk.ChunkIndex, ChunkChecksum.Of(bytes)))
            sink.Finish(work.Index, ChunkChecksum.Combine(work.Checksums));
        meter.Add(work.Index, chunk);
    }
}
