using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>A function on elements and its inverse.</summary>
/// <param name="Read">From stored to canonical.</param>
/// <param name="Write">From canonical to stored.</param>
internal sealed record ElementFunctions(Func<float, float> Read, Func<float, float> Write)
{
    /// <summary>Stored is w, canonical 1 + w.</summary>
    public static ElementFunctions PlusOne { get; } = new(value => value + 1, value => value - 1);
}

/// <summary>A function of each element of another tensor, as F32.</summary>
internal sealed class ElementwiseTensor : ComputedTensor
{
    private readonly TensorData source;
    private readonly ElementFunctions functions;
    private readonly Func<float, float> function;

    private ElementwiseTensor(string name, TensorData source, ElementFunctions functions, Func<float, float> function)
        : base(new TensorInfo(name, source.Info.Shape, TensorFormats.F32))
    {
        this.source = source;
        this.functions = functions;
        this.function = function;
    }

    /// <summary>The canonical elements of a stored tensor.</summary>
    public static ElementwiseTensor Read(string name, TensorData stored, ElementFunctions functions) => new(name, stored, functions, functions.Read);

    /// <summary>The stored elements of a canonical tensor: the very ones it was read from if it was, for a function and its inverse both round.</summary>
    public static TensorData Write(string name, TensorData canonical, ElementFunctions functions) =>
        Undo(canonical, functions) ?? new ElementwiseTensor(name, canonical, functions, functions.Write);

    /// <summary>The tensor that these canonical elements were read from by the same functions, or null.</summary>
    public static TensorData? Undo(TensorData canonical, ElementFunctions functions) =>
        canonical is ElementwiseTensor view && view.functions == functions && view.function == functions.Read ? view.source : null;

    /// <inheritdoc/>
    public override void ReadRows(long firstRow, int rowCount, Span<float> destination)
    {
        source.ReadRows(firstRow, rowCount, destination);
        foreach (ref float value in destination)
            value = function(value);
    }
}
