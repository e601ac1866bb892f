using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// Rotations of neighbouring rows of a matrix, kept back until there are enough of them, then applied to a few columns at a time, so that those stay in the
/// cache while many sweeps pass over them.
/// </summary>
internal sealed unsafe class RotationQueue<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int SweepCount = 32;

    private readonly Workspace workspace;
    private readonly MatrixPointer<T> rows;
    private readonly T[] cosines;
    private readonly T[] sines;
    private readonly List<(int FirstRow, int Start, int Count)> sweeps = [];
    private int used;

    /// <summary>Creates an empty queue.</summary>
    public RotationQueue(Workspace workspace, MatrixPointer<T> rows)
    {
        this.workspace = workspace;
        this.rows = rows;
        cosines = new T[SweepCount * rows.RowCount];
        sines = new T[SweepCount * rows.RowCount];
    }

    /// <summary>Begins a sweep: rotations that follow turn this row and the next, then the next two, and so on.</summary>
    public void Begin(int firstRow)
    {
        if (used + rows.RowCount > cosines.Length)
            Flush();
        sweeps.Add((firstRow, used, 0));
    }

    /// <summary>The next rotation of the sweep.</summary>
    public void Add(T cosine, T sine)
    {
        cosines[used] = cosine;
        sines[used++] = sine;
        (int firstRow, int start, int count) = sweeps[^1];
        sweeps[^1] = (firstRow, start, count + 1);
    }

    /// <summary>Applies what has been kept back.</summary>
    public void Flush()
    {
        // 256 bytes of each row, the width at which rows are turned fastest, times a thousand rows fit the second-level cache.
        int width = 4 * workspace.Arithmetic<T>().Lanes;
        int parts = Math.Min(workspace.Pool.ThreadCount, (rows.ColumnCount + width - 1) / width);
        workspace.Pool.Run(parts, new Work(this, width, parts));
        sweeps.Clear();
        used = 0;
    }

    private readonly struct Work(RotationQueue<T> queue, int width, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            MatrixArithmetic<T> arithmetic = queue.workspace.Arithmetic<T>();
            int end = WorkerPool.Boundary(queue.rows.ColumnCount, width, part + 1, parts);
            fixed (T* cosines = queue.cosines, sines = queue.sines)
            {
                for (int column = WorkerPool.Boundary(queue.rows.ColumnCount, width, part, parts); column < end; column += width)
                {
                    foreach ((int firstRow, int start, int count) in queue.sweeps)
                        arithmetic.RotateRows(queue.rows.Row(firstRow) + column, queue.rows.RowStep, Math.Min(width, end - column), cosines + start, sines + start, count);
                }
            }
        }
    }
}
