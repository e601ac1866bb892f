using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>A run of rows of one tensor: the unit of work of a conversion. How a tensor is cut depends on shape and formats alone.</summary>
/// <param name="TensorIndex">Index in the list of conversions.</param>
/// <param name="ChunkIndex">Index within the tensor.</param>
/// <param name="FirstRow">First row.</param>
/// <param name="RowCount">Rows.</param>
internal readonly record struct RowChunk(int TensorIndex, int ChunkIndex, long FirstRow, int RowCount)
{
    /// <summary>Elements of a chunk, about: enough for a write of some hundred kilobytes, few enough that threads finish together.</summary>
    private const long TargetElementCount = 1 << 18;

    /// <summary>Rows of one chunk of a tensor.</summary>
    public static int RowsPerChunk(TensorShape shape) =>
        (int)Math.Clamp(TargetElementCount / Math.Max(1, shape.RowLength), 1, Math.Max(1, shape.RowCount));

    /// <summary>Chunks of a tensor.</summary>
    public static int Count(TensorShape shape) =>
        shape.ElementCount == 0 ? 0 : checked((int)((shape.RowCount + RowsPerChunk(shape) - 1) / RowsPerChunk(shape)));
}

/// <summary>One tensor to be stored in another format, or copied.</summary>
/// <param name="Source">Where its rows come from.</param>
/// <param name="Name">The name it gets.</param>
/// <param name="Target">The format it gets.</param>
/// <param name="Importance">
/// Null, or a function that gives one weight for each column of each matrix (experts one after another), called when the tensor's turn comes.
/// </param>
internal sealed record TensorConversion(TensorData Source, string Name, TensorFormat Target, Func<float[]?>? Importance = null)
{
    /// <summary>The tensor as it will be stored.</summary>
    public TensorInfo TargetInfo => new(Name, Source.Info.Shape, Target);

    /// <summary>True if stored bytes are taken over.</summary>
    public bool IsCopy => Target == Source.Info.Format;

    /// <summary>Rows that share one set of importance values: those of one matrix.</summary>
    public long RowsPerMatrix => Source.Info.Shape.Rank > 2 ? Source.Info.Shape[Source.Info.Shape.Rank - 2] : Source.Info.Shape.RowCount;
}
