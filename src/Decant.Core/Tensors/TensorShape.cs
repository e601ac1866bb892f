using System.Collections.Immutable;

namespace Decant.Core.Tensors;

/// <summary>
/// The shape of a tensor, outermost dimension first, as Hugging Face and safetensors write it ([rows, columns] for a matrix;
/// GGUF stores the same numbers innermost first). A scalar has no dimensions, one row and one element.
/// </summary>
public readonly struct TensorShape : IEquatable<TensorShape>
{
    /// <summary>The most dimensions a tensor may have.</summary>
    public const int MaximumRank = 8;

    private readonly ImmutableArray<long> dimensions;
    private readonly long elementCount;

    /// <summary>Creates a shape from its dimensions, outermost first.</summary>
    /// <exception cref="ArgumentException">A dimension is negative, there are too many, or their product overflows.</exception>
    public TensorShape(params ReadOnlySpan<long> dimensions)
    {
        if (dimensions.Length > MaximumRank)
            throw new ArgumentException($"A tensor has at most {MaximumRank} dimensions, not {dimensions.Length}.", nameof(dimensions));
        long count = 1;
        foreach (long dimension in dimensions)
        {
            if (dimension < 0)
                throw new ArgumentException($"A dimension cannot be {dimension}.", nameof(dimensions));
            if (Math.BigMul(count, dimension, out long product) != 0 || product < 0)
                throw new ArgumentException("The number of elements overflows 63 bits.", nameof(dimensions));
            count = product;
        }
        this.dimensions = [.. dimensions];
        elementCount = count;
    }

    /// <summary>The dimensions, outermost first.</summary>
    public ImmutableArray<long> Dimensions => dimensions.IsDefault ? [] : dimensions;

    /// <summary>The number of dimensions.</summary>
    public int Rank => Dimensions.Length;

    /// <summary>The number of elements.</summary>
    public long ElementCount => dimensions.IsDefault ? 1 : elementCount;

    /// <summary>The innermost dimension: the elements of one row. 1 for a scalar.</summary>
    public long RowLength => Rank == 0 ? 1 : Dimensions[^1];

    /// <summary>The product of all dimensions but the innermost. 1 for a vector or scalar.</summary>
    public long RowCount
    {
        get
        {
            long rows = 1;
            for (int i = 0; i < Rank - 1; i++)
                rows *= Dimensions[i];
            return rows;
        }
    }

    /// <summary>Dimension <paramref name="index"/>, counted from the outermost.</summary>
    public long this[int index] => Dimensions[index];

    /// <inheritdoc/>
    public bool Equals(TensorShape other) => Dimensions.AsSpan().SequenceEqual(other.Dimensions.AsSpan());

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is TensorShape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (long dimension in Dimensions)
            hash.Add(dimension);
        return hash.ToHashCode();
    }

    /// <summary>Equal dimensions in the same order.</summary>
    public static bool operator ==(TensorShape left, TensorShape right) => left.Equals(right);

    /// <summary>Not equal.</summary>
    public static bool operator !=(TensorShape left, TensorShape right) => !left.Equals(right);

    /// <summary>As in <c>[2048, 576]</c>.</summary>
    public override string ToString() => "[" + string.Join(", ", Dimensions) + "]";
}
