using Decant.Core.Errors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference;

/// <summary>
/// The private copy of a decoder's matrices, made when it is loaded: one piece of memory with large pages, because a stream through pages of 4 KiB is read at
/// two thirds of the speed on virtual machines; rearranged for kernels that read them so (rows side by side, columns in pairs). A piece of the checkpoint is let go when its copy is
/// made, so that both are never held whole. Takes as many bytes as the matrices have in the checkpoint.
/// </summary>
internal sealed unsafe class WeightCopies : IDisposable
{
    // Pieces of work: some tenths of a millisecond each.
    private const long PieceByteCount = 1 << 20;

    // What a copy may take of the free memory; the rest is for keys and values, working memory and others.
    private const double ShareOfFreeMemory = 0.8;

    private readonly AlignedBuffer memory;

    private WeightCopies(AlignedBuffer memory) => this.memory = memory;

    /// <summary>Bytes of the copy.</summary>
    public long ByteCount => memory.ByteCount;

    /// <summary>Copies matrices if the options ask for it and memory allows it; each uses its copy from then on.</summary>
    /// <returns>Null if they stay where they are.</returns>
    /// <exception cref="LimitNotMetException">A copy was asked for expressly and does not fit.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; the matrices are then not to be used.</exception>
    public static WeightCopies? Create(IEnumerable<StoredMatrix> matrices, DecoderOptions options, WorkerPool pool, CancellationToken cancellationToken)
    {
        if (options.Weights == WeightPlacement.Mapped || (options.Weights == WeightPlacement.Automatic && options.Arithmetic != DecoderArithmetic.Fast))
            return null;
        StoredMatrix[] all = [.. matrices];
        long[] offsets = new long[all.Length];
        long total = 0;
        for (int i = 0; i < all.Length; i++)
        {
            offsets[i] = total;
            total += (all[i].ByteCount + AlignedBuffer.Alignment - 1) / AlignedBuffer.Alignment * AlignedBuffer.Alignment;
        }
        if (options.Weights == WeightPlacement.Automatic && total > ShareOfFreeMemory * SystemMemory.AvailableByteCount)
            return null;
        AlignedBuffer memory;
        try
        {
            // Kernels ask for memory ahead of what they read, addresses behind the end included; those need not be readable.
            memory = new AlignedBuffer(total, "A copy of the weights", "Leave the weights in the file's memory map (--weights map), or use a smaller model.");
        }
        catch (LimitNotMetException) when (options.Weights == WeightPlacement.Automatic)
        {
            // The system may give a process less than what is free: a limit of its own.
            return null;
        }
        try
        {
            byte*[] places = new byte*[all.Length];
            for (int i = 0; i < all.Length; i++)
                places[i] = memory.Pointer + offsets[i];
            bool[] asStored = new bool[all.Length];
            List<Piece> pieces = Cut(all, asStored, onlyAsStored: false);
            pool.Run(pieces.Count, new Work(all, pieces, places, asStored, cancellationToken));
            pieces = Cut(all, asStored, onlyAsStored: true);
            pool.Run(pieces.Count, new Work(all, pieces, places, asStored, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
            for (int i = 0; i < all.Length; i++)
                all[i].MoveTo(places[i], asStored[i]);
            return new WeightCopies(memory);
        }
        catch
        {
            memory.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => memory.Dispose();

    private static List<Piece> Cut(StoredMatrix[] matrices, bool[] asStored, bool onlyAsStored)
    {
        var pieces = new List<Piece>();
        for (int i = 0; i < matrices.Length; i++)
        {
            if (onlyAsStored && !asStored[i])
                continue;
            StoredMatrix matrix = matrices[i];
            int unit = matrix.CopyUnit;
            int rows = (int)Math.Clamp(PieceByteCount / matrix.RowByteCount / unit * unit, unit, Math.Max(unit, matrix.RowCount));
            for (int first = 0; first < matrix.RowCount; first += rows)
                pieces.Add(new Piece(i, first, Math.Min(rows, matrix.RowCount - first)));
        }
        return pieces;
    }

    private readonly record struct Piece(int Matrix, int FirstRow, int RowCount);

    private readonly struct Work(StoredMatrix[] matrices, List<Piece> pieces, byte*[] places, bool[] asStored, CancellationToken cancellationToken) : IParallelWork
    {
        public void Run(int part)
        {
            Piece piece = pieces[part];
            if (cancellationToken.IsCancellationRequested)
                return;
            // Once a matrix cannot be brought side by side, its other pieces need not try; it is copied again.
            bool stored = Volatile.Read(ref asStored[piece.Matrix]);
            if (!matrices[piece.Matrix].TryCopyTo(places[piece.Matrix], piece.FirstRow, piece.RowCount, stored))
                Volatile.Write(ref asStored[piece.Matrix], true);
        }
    }
}
