using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Converts tensors on several threads: each takes a chunk of rows, reads and decodes it, encodes it and hands it to the sink, so that
/// reading, arithmetic and writing overlap. Memory: the buffers of a <see cref="ChunkEncoder"/> for each thread, and the importance values of the
/// tensors at work. The bytes do not depend on the number of threads.
/// </summary>
internal sealed class ConversionRunner
{
    private readonly IReadOnlyList<TensorConversion> conversions;
    private readonly IConversionSink sink;
    private readonly int threadCount;
    private readonly Func<int, double>? secondsOf;
    private readonly TensorWork?[] works;
    private readonly Lock gate = new();

    /// <summary>Prepares the work.</summary>
    /// <param name="conversions">What to convert, in the order in which work starts.</param>
    /// <param name="sink">Takes the bytes.</param>
    /// <param name="threadCount">Threads, 0 for all cores.</param>
    /// <param name="secondsOf">Planned time of each tensor, for the time left; without it time counts as source bytes do.</param>
    public ConversionRunner(IReadOnlyList<TensorConversion> conversions, IConversionSink sink, int threadCount, Func<int, double>? secondsOf = null)
    {
        this.conversions = conversions;
        this.sink = sink;
        this.threadCount = threadCount;
        this.secondsOf = secondsOf;
        works = new TensorWork?[conversions.Count];
    }

    /// <summary>Runs until all is done, something fails or the token is cancelled (see <see cref="ChunkLoop"/>).</summary>
    /// <param name="isDone">Tensors that need no work.</param>
    /// <param name="progress">Told about source bytes.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public void Run(Func<int, bool> isDone, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        var meter = new ConversionMeter(conversions, isDone, secondsOf, progress);
        for (int i = 0; i < conversions.Count; i++)
        {
            if (!isDone(i) && conversions[i].Source.Info.Shape.ElementCount == 0)
                sink.Finish(i, ChunkChecksum.Combine([]));
        }
        ChunkLoop.Run(
            [.. conversions.Select(c => c.Source.Info.Shape)], isDone, threadCount,
            () =>
            {
                var encoder = new ChunkEncoder();
                return chunk =>
                {
                    RunChunk(encoder, chunk);
                    meter.Add(chunk);
                };
            },
            cancellationToken);
        meter.Complete();
    }

    private void RunChunk(ChunkEncoder encoder, RowChunk chunk)
    {
        TensorWork work = WorkOn(chunk.TensorIndex);
        ReadOnlySpan<byte> bytes = encoder.Encode(work.Conversion, chunk, work.Importance);
        sink.Write(chunk.TensorIndex, chunk.FirstRow * work.RowByteCount, bytes);
        if (!work.Finish(chunk.ChunkIndex, ChunkChecksum.Of(bytes)))
            return;
        sink.Finish(chunk.TensorIndex, ChunkChecksum.Combine(work.Checksums));
        works[chunk.TensorIndex] = null;
    }

    private TensorWork WorkOn(int index)
    {
        lock (gate)
            return works[index] ??= new TensorWork(conversions[index]);
    }

    /// <summary>A tensor some of whose chunks are done.</summary>
    private sealed class TensorWork
    {
        private int remaining;

        public TensorWork(TensorConversion conversion)
        {
            Conversion = conversion;
            RowByteCount = conversion.TargetInfo.RowByteCount;
            Importance = conversion.IsCopy ? [] : conversion.Importance?.Invoke() ?? [];
            Checksums = new uint[RowChunk.Count(conversion.Source.Info.Shape)];
            remaining = Checksums.Length;
        }

        public TensorConversion Conversion { get; }

        public long RowByteCount { get; }

        /// <summary>One weight for each column of each matrix, or empty.</summary>
        public float[] Importance { get; }

        /// <summary>One for each chunk, set as they finish.</summary>
        public uint[] Checksums { get; }

        /// <summary>Notes a finished chunk; true for the last one.</summary>
        public bool Finish(int chunkIndex, uint checksum)
        {
            Checksums[chunkIndex] = checksum;
            return Interlocked.Decrement(ref remaining) == 0;
        }
    }
}
