namespace Decant.Engine.LinearAlgebra;

/// <summary>Checks of shapes, with messages that name what was expected.</summary>
internal static class MatrixShape
{
    /// <summary>Checks that elements hold a matrix.</summary>
    public static void Check(int elementCount, int rowCount, int columnCount, int stride)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(rowCount);
        ArgumentOutOfRangeException.ThrowIfNegative(columnCount);
        ArgumentOutOfRangeException.ThrowIfLessThan(stride, columnCount);
        long needed = rowCount == 0 || columnCount == 0 ? 0 : (rowCount - 1) * (long)stride + columnCount;
        if (elementCount < needed)
            throw new ArgumentException($"A matrix [{rowCount}, {columnCount}] with rows {stride} elements apart needs {needed} elements, got {elementCount}.");
    }

    /// <summary>Checks that a matrix has the shape that its place in an operation asks for.</summary>
    public static void Expect(string name, int rowCount, int columnCount, int expectedRowCount, int expectedColumnCount)
    {
        if (rowCount != expectedRowCount || columnCount != expectedColumnCount)
            throw new ArgumentException($"{name}: expected [{expectedRowCount}, {expectedColumnCount}], got [{rowCount}, {columnCount}].");
    }
}
