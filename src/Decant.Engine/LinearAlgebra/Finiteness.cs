using System.Numerics;
using Decant.Core.Errors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>Refuses infinite elements and NaN, which would spread over a whole factor.</summary>
internal static unsafe class Finiteness
{
    /// <summary>Checks the elements on and below the diagonal.</summary>
    public static void CheckLower<T>(Workspace workspace, MatrixPointer<T> a)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        for (int row = 0; row < a.RowCount; row++)
            LargestOfRow(workspace, a, row, row + 1);
    }

    /// <summary>Checks all elements.</summary>
    /// <returns>The largest magnitude.</returns>
    public static T LargestMagnitude<T>(Workspace workspace, MatrixPointer<T> a)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T largest = T.Zero;
        for (int row = 0; row < a.RowCount; row++)
            largest = T.Max(largest, LargestOfRow(workspace, a, row, a.ColumnCount));
        return largest;
    }

    private static T LargestOfRow<T>(Workspace workspace, MatrixPointer<T> a, int row, int count)
        where T : unmanaged, IBinaryFloatingPointIeee754<T>
    {
        T largest = workspace.Arithmetic<T>().LargestMagnitude(a.Row(row), count);
        for (int column = 0; T.IsNaN(largest) && column < count; column++)
        {
            if (!T.IsFinite(a[row, column]))
                throw new NumericalException(FormattableString.Invariant($"A matrix [{a.RowCount}, {a.ColumnCount}] has {a[row, column]} in row {row}, column {column}."));
        }
        return largest;
    }
}
