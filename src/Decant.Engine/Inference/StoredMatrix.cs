using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// A matrix in one of the stored formats, dense or block-quantized. It is multiplied as it lies in the memory map, if the checkpoint has its rows together;
/// or from a private copy: of views (transposed, reordered) at once, of others where <see cref="WeightCopies"/> puts one, the latter rearranged
/// if its kernel reads it so (<see cref="IInterleavedKernel"/>).
/// </summary>
internal sealed unsafe class StoredMatrix : WeightMatrix
{
    // A span holds at most 2 GiB; larger matrices are read in ranges of rows below this.
    private const long LargestSpan = 1L << 30;

    private readonly TensorData data;
    private readonly ProductKernel few;
    private readonly ProductKernel many;
    private readonly WeightKernel decoder;
    private readonly IInterleavedKernel? interleaving;
    private AlignedBuffer? copy;
    private byte* place;
    private int interleavedRowCount;

    /// <summary>Wraps a tensor of two dimensions and chooses its kernel.</summary>
    public StoredMatrix(TensorData data, KernelSelection kernels)
    {
        this.data = data;
        RowCount = checked((int)data.Info.Shape.RowCount);
        ColumnCount = checked((int)data.Info.Shape.RowLength);
        few = kernels.Choose(data.Info.Format, ProductShapes.FewTokens);
        many = kernels.Choose(data.Info.Format, ProductShapes.ManyTokens);
        decoder = KernelList.Choose(data.Info.Format, kernels.Level);
        bool isView = !LiesTogether();
        if (isView)
        {
            copy = CopyAll();
            place = copy.Pointer;
        }
        int count = (int)Math.Min(RowCount, Math.Max(1, LargestSpan / RowByteCount));
        fixed (byte* rows = Rows(0, count))
        {
            bool isOne = few == many;
            few = few.ForRows(rows, RowByteCount, count, ColumnCount).ForArithmetic(kernels.Arithmetic);
            many = isOne ? few : many.ForRows(rows, RowByteCount, count, ColumnCount).ForArithmetic(kernels.Arithmetic);
        }
        if (!isView)
            interleaving = few is IInterleavedKernel { GroupRowCount: > 0 } kernel && kernel.ReplacesForMany(many) ? kernel : null;
    }

    /// <inheritdoc/>
    public override int RowCount { get; }

    /// <inheritdoc/>
    public override int ColumnCount { get; }

    /// <inheritdoc/>
    public override long ByteCount => data.Info.ByteCount;

    /// <inheritdoc/>
    public override string KernelName => few == many ? few.Name : $"{few.Name} and {many.Name}";

    /// <summary>Bytes of a row.</summary>
    public long RowByteCount => data.Info.RowByteCount;

    /// <summary>Rows that can be copied independently of others: a multiple of this many.</summary>
    public int CopyUnit => interleaving?.GroupRowCount ?? 1;

    // Rows of whole groups; the few behind them stay one after another.
    private int WholeGroupRowCount => interleaving is null ? 0 : RowCount / interleaving.GroupRowCount * interleaving.GroupRowCount;

    /// <summary>Copies some rows to where the whole matrix will lie, side by side if its kernel reads them so, and lets go of the checkpoint's.</summary>
    /// <param name="target">The place of the matrix, <see cref="ByteCount"/> bytes.</param>
    /// <param name="firstRow">A multiple of <see cref="CopyUnit"/>.</param>
    /// <param name="rowCount">A multiple of <see cref="CopyUnit"/>, or the rows that are left.</param>
    /// <param name="asStored">True to leave rows one after another.</param>
    /// <returns>False if the rows cannot be brought side by side: then the matrix is to be copied as it is stored.</returns>
    public bool TryCopyTo(byte* target, int firstRow, int rowCount, bool asStored)
    {
        int grouped = asStored ? 0 : Math.Clamp(WholeGroupRowCount - firstRow, 0, rowCount);
        fixed (byte* rows = Rows(firstRow, rowCount))
        {
            byte* own = target + firstRow * RowByteCount;
            if (grouped > 0 && !interleaving!.TryInterleave(rows, RowByteCount, grouped, own))
                return false;
            long done = grouped * RowByteCount;
            Buffer.MemoryCopy(rows + done, own + done, (rowCount - grouped) * RowByteCount, (rowCount - grouped) * RowByteCount);
        }
        data.ReleaseRows(firstRow, rowCount);
        return true;
    }

    /// <summary>Uses a copy from now on.</summary>
    /// <param name="target">Where <see cref="TryCopyTo"/> put all rows; must live as long as the matrix is used.</param>
    /// <param name="asStored">As told there.</param>
    public void MoveTo(byte* target, bool asStored)
    {
        place = target;
        interleavedRowCount = asStored ? 0 : WholeGroupRowCount;
        copy?.Dispose();
        copy = null;
    }

    /// <inheritdoc/>
    public override void Multiply(int firstRow, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        int grouped = Math.Clamp(interleavedRowCount - firstRow, 0, rowCount);
        if (grouped > 0)
        {
            if ((firstRow | grouped) % interleaving!.GroupRowCount != 0)
                throw new ArgumentException($"{data.Info.Name}: rows {firstRow} to {firstRow + rowCount} are no whole groups of {interleaving.GroupRowCount}.", nameof(rowCount));
            interleaving.MultiplyInterleaved(place + firstRow * RowByteCount, RowByteCount, grouped, input, y, yStride, scratch);
        }
        int step = (int)Math.Max(1, LargestSpan / RowByteCount);
        for (int done = grouped; done < rowCount; done += step)
        {
            int count = Math.Min(step, rowCount - done);
            fixed (byte* rows = Rows(firstRow + done, count))
                Kernel(input.TokenCount).Multiply(rows, RowByteCount, count, input, y + done, yStride, scratch);
        }
    }

    /// <inheritdoc/>
    public override void Prepare(ProductInput input)
    {
        if (interleavedRowCount > 0)
            interleaving!.PrepareInterleaved(input);
        if (interleavedRowCount < RowCount)
            Kernel(input.TokenCount).Prepare(input);
    }

    /// <inheritdoc/>
    public override int RowUnit(int tokenCount) =>
        interleavedRowCount > 0 ? interleaving!.InterleavedRowUnit(tokenCount) : Kernel(tokenCount).RowUnit(tokenCount);

    /// <inheritdoc/>
    public override long LongestUncheckedWork(int tokenCount) => Kernel(tokenCount).LongestUncheckedWork(tokenCount);

    /// <inheritdoc/>
    public override int ActivationBits(int tokenCount) =>
        interleavedRowCount > 0 ? interleaving!.ActivationBits(tokenCount) : Kernel(tokenCount).RoundedBlockLength > 0 ? 8 : 32;

    /// <inheritdoc/>
    public override void DecodeRow(int row, float* destination)
    {
        // Rows side by side are read from the checkpoint, which is still there: one row of it is soon read.
        fixed (byte* bytes = row < interleavedRowCount ? StoredRows(row, 1) : Rows(row, 1))
            decoder.Decode(bytes, destination, ColumnCount);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        copy?.Dispose();
        base.Dispose();
    }

    private AlignedBuffer CopyAll()
    {
        var whole = new AlignedBuffer(data.Info.ByteCount, $"A copy of {data.Info.Name}", "Store the model in a smaller format first.");
        for (int row = 0; row < RowCount; row++)
            data.CopyRows(row, 1, new Span<byte>(whole.Pointer + row * RowByteCount, checked((int)RowByteCount)));
        return whole;
    }

    private ProductKernel Kernel(int tokenCount) => tokenCount <= few.MostFewTokens ? few : many;

    private ReadOnlySpan<byte> Rows(int firstRow, int rowCount)
    {
        return place != null
            ? new ReadOnlySpan<byte>(place + firstRow * RowByteCount, checked((int)(rowCount * RowByteCount)))
            : StoredRows(firstRow, rowCount);
    }

    private ReadOnlySpan<byte> StoredRows(int firstRow, int rowCount) => data.TryGetRows(firstRow, rowCount, out ReadOnlySpan<byte> rows)
        ? rows
        : throw new InvalidOperationException($"{data.Info.Name}: rows {firstRow} to {firstRow + rowCount} no longer lie together.");

    private bool LiesTogether()
    {
        int step = (int)Math.Min(RowCount, Math.Max(1, LargestSpan / RowByteCount));
        for (int first = 0; first < RowCount; first += step)
        {
            // Ranges may later be cut anywhere, so ranges that meet must lie together too.
            int count = Math.Min(step + 1, RowCount - first);
            if (!data.TryGetRows(first, count, out _))
                return false;
        }
        return true;
    }
}
