using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>A run of rows of one tensor: the unit of work of a conversion. How a tensor is cut depends on shape and formats alone.</summary>
/// <param name="TensorIndex">Index in the list of tensors.</param>
/// <param name="ChunkIndex">Index within the tensor.</param>
/// <param name="FirstRow">First row.</param>
/// <param name="RowCount">Rows.</param>
internal readonly record struct RowChunk(int TensorIndex, int ChunkIndex, long FirstRow, int RowCount)
{
    /// <summary>Elements of a chunk, about: enough for a write of some hundred kilobytes, few enough that threads finish together.</summary>
    private const long TargetElementCount = 1 << 18;

    /// <summary>Encoders work on this many rows at once, or a divisor of it.</summary>
    private const long RowUnit = 16;

    /// <summary>Rows of one chunk of a tensor.</summary>
    public static int RowsPerChunk(TensorShape shape)
    {
        long rows = Math.Max(1, TargetElementCount / Math.Max(1, shape.RowLength) / RowUnit) * RowUnit;
        return (int)Math.Clamp(rows, 1, Math.Max(1, shape.RowCount));
    }

    /// <summary>Chunks of a tensor.</summary>
    public static int Count(TensorShape shape) =>
        shape.ElementCount == 0 ? 0 : checked((int)((shape.RowCount + RowsPerChunk(shape) - 1) / RowsPerChunk(shape)));

    /// <summary>A chunk of a tensor by number.</summary>
    public static RowChunk Of(TensorShape shape, int tensorIndex, int chunkIndex)
    {
        int rowsPerChunk = RowsPerChunk(shape);
        long first = (long)chunkIndex * rowsPerChunk;
        return new RowChunk(tensorIndex, chunkIndex, first, (int)Math.Min(rowsPerChunk, shape.RowCount - first));
    }
}
