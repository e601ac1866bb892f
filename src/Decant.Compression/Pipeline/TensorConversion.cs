using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

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
