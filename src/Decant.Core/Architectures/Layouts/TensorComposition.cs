using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Layouts;

/// <summary>
/// The two directions of a <see cref="TensorMapping"/> on data: a stored tensor split into canonical views, and canonical tensors
/// composed into a stored one. Nothing is copied. Vectors are handled as columns, so biases follow the rows of their matrices.
/// </summary>
internal static class TensorComposition
{
    /// <summary>The shape of the stored tensor that holds these canonical ones, in so many groups of rows.</summary>
    public static TensorShape StoredShape(TensorMapping mapping, IReadOnlyList<ModelTensor> parts, int groups)
    {
        TensorShape first = parts[0].Shape;
        if (mapping.GroupForm == RowGroupForm.Matrices)
            return new TensorShape(groups, first[0] / groups, first[1]);
        if (mapping.GroupForm == RowGroupForm.TransposedMatrices)
            return new TensorShape(groups, first[1], first[0] / groups);
        if (mapping.StacksExperts)
        {
            // One role per stack: [experts, rows, columns], or [experts, rows] for biases.
            return first.Rank == 2 ? new TensorShape(parts.Count, first[0], first[1]) : new TensorShape(parts.Count, first[0]);
        }
        if (mapping.IsVector)
            return new TensorShape(first.ElementCount);
        if (mapping.Reshape is { } reshape)
            return reshape(first);
        if (parts.Count == 1 && !mapping.Transposed)
            return first;
        long rows = parts.Sum(part => part.Shape[0]);
        if (first.Rank == 1)
            return new TensorShape(rows);
        return mapping.Transposed ? new TensorShape(first[1], rows) : new TensorShape(rows, first[1]);
    }

    /// <summary>Views of a stored tensor as the canonical ones. The stored shape has been checked.</summary>
    /// <param name="mapping">The line.</param>
    /// <param name="stored">The stored tensor.</param>
    /// <param name="parts">The canonical tensors in it.</param>
    /// <param name="groups">Groups of interleaved rows; 1 for none.</param>
    public static TensorData[] Split(TensorMapping mapping, TensorData stored, IReadOnlyList<ModelTensor> parts, int groups)
    {
        if (mapping.Transposed && stored.Info.Shape.Rank == 2)
            stored = new TransposedTensor(stored.Info.Name, stored);
        if (mapping.Elements is { } elements)
            stored = ElementwiseTensor.Read(stored.Info.Name, stored, elements);
        if (mapping.GroupForm == RowGroupForm.TransposedMatrices)
            return [new GroupTransposedTensor(stored.Info.Name, parts[0].Shape, stored, groups)];
        if (parts.Count == 1)
            return [WithShape(stored, stored.Info.Name, parts[0].Shape)];

        bool vectors = parts[0].Shape.Rank == 1;
        TensorData rows = vectors ? AsColumn(stored) : stored;
        long groupRows = parts.Sum(part => part.Shape[0]) / groups;
        long offset = 0;
        var views = new TensorData[parts.Count];
        for (int i = 0; i < views.Length; i++)
        {
            TensorShape shape = parts[i].Shape;
            string name = $"{stored.Info.Name}[{parts[i].Id.Role}{(parts[i].Id.Expert is { } expert ? $" {expert}" : "")}]";
            TensorShape rowShape = vectors ? new TensorShape(shape[0], 1) : shape;
            long share = shape[0] / groups, start = offset;
            TensorData view = groups == 1
                ? new RowSelectionTensor(name, rowShape, rows, start)
                : new RowSelectionTensor(name, rowShape, rows, row => row / share * groupRows + start + row % share);
            views[i] = vectors ? new ReshapedTensor(name, shape, view) : view;
            offset += share;
        }
        return views;
    }

    /// <summary>The stored tensor made of canonical ones.</summary>
    /// <param name="mapping">The line.</param>
    /// <param name="name">The stored name.</param>
    /// <param name="parts">The canonical tensors and their data, in stored order.</param>
    /// <param name="groups">Groups of interleaved rows; 1 for none.</param>
    public static TensorData Compose(TensorMapping mapping, string name, IReadOnlyList<(ModelTensor Tensor, TensorData Data)> parts, int groups)
    {
        TensorShape shape = StoredShape(mapping, [.. parts.Select(part => part.Tensor)], groups);
        TensorData whole;
        if (parts.Count == 1)
        {
            whole = parts[0].Data;
        }
        else
        {
            bool vectors = parts[0].Tensor.Shape.Rank == 1;
            TensorData[] rows = [.. parts.Select(part => vectors ? AsColumn(part.Data) : part.Data)];
            long rowCount = rows.Sum(part => part.Info.Shape[0]);
            var stackedShape = new TensorShape(rowCount, rows[0].Info.Shape.RowLength);
            whole = new StackedTensor(name, stackedShape, rows);
            if (groups > 1)
                whole = Interleave(name, whole, rows, groups);
            if (vectors)
                whole = new ReshapedTensor(name, new TensorShape(rowCount), whole);
        }
        if (mapping.Elements is { } elements)
            whole = ElementwiseTensor.Write(name, whole, elements);
        if (mapping.Transposed && whole.Info.Shape.Rank == 2)
            whole = new TransposedTensor(name, whole);
        if (mapping.GroupForm == RowGroupForm.TransposedMatrices)
            whole = new GroupTransposedTensor(name, shape, whole, groups);
        return WithShape(whole, name, shape);
    }

    /// <summary>The same elements in the same order under a name and shape.</summary>
    private static TensorData WithShape(TensorData tensor, string name, TensorShape shape)
    {
        if (tensor.Info.Shape.RowLength != shape.RowLength)
            return new ReshapedTensor(name, shape, tensor);
        return tensor.Info.Shape == shape && tensor.Info.Name == name ? tensor : new RowSelectionTensor(name, shape, tensor, 0);
    }

    /// <summary>A vector [n] as [n, 1].</summary>
    public static TensorData AsColumn(TensorData vector) =>
        new ReshapedTensor(vector.Info.Name, new TensorShape(vector.Info.Shape.ElementCount, 1), vector);

    private static RowSelectionTensor Interleave(string name, TensorData stacked, TensorData[] parts, int groups)
    {
        long[] shares = [.. parts.Select(part => part.Info.Shape[0] / groups)];
        long[] firstRows = new long[parts.Length];
        for (int i = 1; i < parts.Length; i++)
            firstRows[i] = firstRows[i - 1] + parts[i - 1].Info.Shape[0];
        long groupRows = shares.Sum();
        return new RowSelectionTensor(name, stacked.Info.Shape, stacked, row =>
        {
            (long group, long within) = Math.DivRem(row, groupRows);
            int part = 0;
            while (within >= shares[part])
                within -= shares[part++];
            return firstRows[part] + group * shares[part] + within;
        });
    }
}
