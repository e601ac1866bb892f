using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// A matrix in one of the stored formats, dense or block-quantized, multiplied as it lies: from the memory map where the checkpoint has
/// its rows together, otherwise (transposed or reordered views) from a private copy in the same format.
/// </summary>
internal sealed unsafe class StoredMatrix : WeightMatrix
{
    // A span holds at most 2 GiB; larger matrices are read in ranges of rows below this.
    private const long LargestSpan = 1L << 30;

    private readonly TensorData data;
    private readonly AlignedBuffer? copy;
    private readonly ProductKernel few;
    private readonly ProductKernel many;
    private readonly WeightKernel decoder;
    private readonly long rowByteCount;

    /// <summary>Wraps a tensor of two dimensions and chooses its kernel.</summary>
    public StoredMatrix(TensorData data, KernelSelection kernels)
    {
        this.data = data;
        RowCount = checked((int)data.Info.Shape.RowCount);
        ColumnCount = checked((int)data.Info.Shape.RowLength);
        rowByteCount = data.Info.RowByteCount;
        few = kernels.Choose(data.Info.Format, ProductShapes.FewTokens);
        many = kernels.Choose(data.Info.Format, ProductShapes.ManyTokens);
        decoder = KernelList.Choose(data.Info.Format, kernels.Level);
        if (!LiesTogether())
        {
            copy = new AlignedBuffer(data.Info.ByteCount, $"A copy of {data.Info.Name}", "Store the model in a smaller format first.");
            for (int row = 0; row < RowCount; row++)
                data.CopyRows(row, 1, new Span<byte>(copy.Pointer + row * rowByteCount, checked((int)rowByteCount)));
        }
    }

    /// <inheritdoc/>
    public override int RowCount { get; }

    /// <inheritdoc/>
    public override int ColumnCount { get; }

    /// <inheritdoc/>
    public override long ByteCount => data.Info.ByteCount;

    /// <inheritdoc/>
    public override long PrivateByteCount => copy?.ByteCount ?? 0;

    /// <inheritdoc/>
    public override string KernelName => few == many ? few.Name : $"{few.Name} and {many.Name}";

    /// <inheritdoc/>
    public override void Multiply(int firstRow, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch)
    {
        int step = (int)Math.Min(rowCount, Math.Max(1, LargestSpan / rowByteCount));
        for (int done = 0; done < rowCount; done += step)
        {
            int count = Math.Min(step, rowCount - done);
            fixed (byte* rows = Rows(firstRow + done, count))
                Kernel(input.TokenCount).Multiply(rows, rowByteCount, count, input, y + done, yStride, scratch);
        }
    }

    /// <inheritdoc/>
    public override void Prepare(ProductInput input) => Kernel(input.TokenCount).Prepare(input);

    /// <inheritdoc/>
    public override int RowUnit(int tokenCount) => Kernel(tokenCount).RowUnit(tokenCount);

    /// <inheritdoc/>
    public override void DecodeRow(int row, float* destination)
    {
        fixed (byte* bytes = Rows(row, 1))
            decoder.Decode(bytes, destination, ColumnCount);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        copy?.Dispose();
        base.Dispose();
    }

    private ProductKernel Kernel(int tokenCount) => tokenCount <= few.MostFewTokens ? few : many;

    private ReadOnlySpan<byte> Rows(int firstRow, int rowCount)
    {
        if (copy is not null)
            return new ReadOnlySpan<byte>(copy.Pointer + firstRow * rowByteCount, checked((int)(rowCount * rowByteCount)));
        return data.TryGetRows(firstRow, rowCount, out ReadOnlySpan<byte> rows)
            ? rows
            : throw new InvalidOperationException($"{data.Info.Name}: rows {firstRow} to {firstRow + rowCount} no longer lie together.");
    }

    private bool LiesTogether()
    {
        int step = (int)Math.Min(RowCount, Math.Max(1, LargestSpan / rowByteCount));
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
