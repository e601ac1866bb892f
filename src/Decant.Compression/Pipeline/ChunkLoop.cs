using System.Runtime.ExceptionServices;
using Decant.Core.Tensors;
using Decant.Engine;

namespace Decant.Compression.Pipeline;

/// <summary>Runs work over the chunks of many tensors on several threads, tensor after tensor.</summary>
internal static class ChunkLoop
{
    /// <summary>
    /// Runs until all is done, something fails or the token is cancelled. Of several failures the one earliest in the work is thrown, whatever
    /// thread met it: chunks are handed out in order, and a chunk begun is finished.
    /// </summary>
    /// <param name="shapes">The tensors.</param>
    /// <param name="isSkipped">Tensors to leave out.</param>
    /// <param name="threadCount">Threads, 0 for all cores; the calling thread is one of them.</param>
    /// <param name="createWorker">Called once on each thread that gets work; what it returns is called for each of its chunks and may hold buffers.</param>
    /// <param name="cancellationToken">Stops between chunks.</param>
    public static void Run(
        IReadOnlyList<TensorShape> shapes, Func<int, bool> isSkipped, int threadCount, Func<Action<RowChunk>> createWorker, CancellationToken cancellationToken)
    {
        var queue = new Queue(shapes, isSkipped);
        var failures = new SortedList<(int Tensor, int Chunk), Exception>();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);

        void Work()
        {
            RowChunk chunk = default;
            try
            {
                Action<RowChunk>? body = null;
                while (!stop.IsCancellationRequested && queue.TryTake(out chunk))
                    (body ??= createWorker())(chunk);
            }
            catch (Exception e)
            {
                lock (failures)
                    failures.TryAdd((chunk.TensorIndex, chunk.ChunkIndex), e);
                stop.Cancel();
            }
        }

        // A part for each thread; a thread that takes over another's finds the queue empty.
        using (var pool = new WorkerPool(Math.Min(threadCount, WorkerPool.MaximumThreadCount)))
            pool.Run(pool.ThreadCount, new Part(Work));
        if (failures.Count > 0)
            ExceptionDispatchInfo.Throw(failures.Values[0]);
        cancellationToken.ThrowIfCancellationRequested();
    }

    private readonly struct Part(Action work) : IParallelWork
    {
        public void Run(int part) => work();
    }

    private sealed class Queue(IReadOnlyList<TensorShape> shapes, Func<int, bool> isSkipped)
    {
        private readonly Lock gate = new();
        private int tensor = -1;
        private int chunk;
        private int chunkCount;

        public bool TryTake(out RowChunk taken)
        {
            lock (gate)
            {
                while (chunk == chunkCount)
                {
                    if (++tensor >= shapes.Count)
                    {
                        tensor = shapes.Count;
                        taken = default;
                        return false;
                    }
                    chunk = 0;
                    chunkCount = isSkipped(tensor) ? 0 : RowChunk.Count(shapes[tensor]);
                }
                taken = RowChunk.Of(shapes[tensor], tensor, chunk++);
                return true;
            }
        }
    }
}
