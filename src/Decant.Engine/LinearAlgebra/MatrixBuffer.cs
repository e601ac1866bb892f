using System.Numerics;
using Decant.Engine.Kernels;

namespace Decant.Engine.LinearAlgebra;

/// <summary>A matrix of an algorithm's own, filled with zeros.</summary>
internal sealed unsafe class MatrixBuffer<T> : IDisposable
    where T : unmanaged
{
    private readonly AlignedBuffer buffer;

    /// <summary>Allocates.</summary>
    public MatrixBuffer(int rowCount, int columnCount)
    {
        // Rows begin at cache lines, and an odd number of lines apart, so that the elements of a column do not share a cache set.
        long lines = ((long)columnCount * sizeof(T) + AlignedBuffer.Alignment - 1) / AlignedBuffer.Alignment | 1;
        long stride = lines * AlignedBuffer.Alignment / sizeof(T);
        buffer = new AlignedBuffer(rowCount * stride * sizeof(T), "A matrix of linear algebra", "Use a smaller matrix.", clear: true);
        Matrix = new MatrixPointer<T>((T*)buffer.Pointer, rowCount, columnCount, stride);
    }

    /// <summary>The matrix; rows lie together.</summary>
    public MatrixPointer<T> Matrix { get; }

    /// <inheritdoc/>
    public void Dispose() => buffer.Dispose();
}
