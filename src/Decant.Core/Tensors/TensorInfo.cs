using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>Name, shape and storage format of a tensor; no data.</summary>
/// <param name="Name">The name in its container.</param>
/// <param name="Shape">Outermost dimension first.</param>
/// <param name="Format">How rows are stored.</param>
public sealed record TensorInfo(string Name, TensorShape Shape, TensorFormat Format)
{
    /// <summary>Bytes of one row.</summary>
    public long RowByteCount => Format.RowByteCount(Shape.RowLength);

    /// <summary>Bytes of the whole tensor.</summary>
    public long ByteCount => checked(RowByteCount * Shape.RowCount);

    /// <summary>As in <c>blk.0.attn_q.weight Q8_0 [576, 576]</c>.</summary>
    public override string ToString() => $"{Name} {Format} {Shape}";
}
