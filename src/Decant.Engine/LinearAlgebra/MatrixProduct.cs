using System.Numerics;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.LinearAlgebra;

// The right operand is cut into slabs of `depth` rows, which all threads pack together into panels as wide as the register tile:
//
//        slab of B                     panel t: [depth][width], width = 64 for single precision on AVX-512
//     +----+----+----+--+
//     | p0 | p1 | p2 |p3|   <- depth   a panel (32 KB) stays in the first-level cache while the rows of a block of A pass,
//     +----+----+----+--+              a block of A ([rows][depth], 200 KB) in the second while the panels pass
//
// then each thread takes blocks of rows (or, when there are few rows, groups of panels) of the result. This is the order of Goto and van de Geijn 2008
// with the roles of the operands exchanged for row-major memory. The sum of an element runs over k in ascending order within a slab and over slabs in
// ascending order, whatever the threads, so the result's bytes do not depend on them.

/// <summary>One product C = alpha · A · B + beta · C.</summary>
internal sealed unsafe class MatrixProduct<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int RowsPerTile = FloatArithmetic.TileRowCount;
    private const int PanelByteCount = 32 << 10;
    private const int BlockByteCount = 200 << 10;
    private const int SlabByteCount = 4 << 20;

    // Keeps lines of a copied block out of one another's cache sets.
    private const int Padding = 16;

    // Smallest number of multiply-adds that is worth telling another thread.
    private const long WorkPerThread = 1 << 18;

    private readonly Workspace workspace;
    private readonly MatrixArithmetic<T> arithmetic;
    private readonly MatrixOperand<T> a;
    private readonly MatrixOperand<T> b;
    private readonly MatrixPointer<T> c;
    private readonly T alpha;
    private readonly int largestDepth;
    private readonly int partCount;
    private readonly int blockCount;
    private readonly int groupCount;
    private readonly int largestBlockRowCount;
    private T* slab;
    private int firstColumn;
    private int columnCount;
    private int firstTerm;
    private int depth;
    private bool accumulate;

    private MatrixProduct(Workspace workspace, MatrixOperand<T> a, MatrixOperand<T> b, MatrixPointer<T> c, T alpha)
    {
        this.workspace = workspace;
        this.a = a;
        this.b = b;
        this.c = c;
        this.alpha = alpha;
        arithmetic = workspace.Arithmetic<T>();
        largestDepth = PanelByteCount / (arithmetic.PanelWidth * sizeof(T)) switch { < 32 => 128, > 256 => 256, var fitting => fitting };
        int depthCount = (a.ColumnCount + largestDepth - 1) / largestDepth;
        largestDepth = (a.ColumnCount + depthCount - 1) / depthCount;
        long work = (long)c.RowCount * c.ColumnCount * a.ColumnCount;
        partCount = (int)Math.Clamp(work / WorkPerThread, 1, workspace.Pool.ThreadCount);
        (blockCount, groupCount) = Divide(partCount);
        largestBlockRowCount = Enumerable.Range(0, blockCount).Max(i => WorkerPool.Boundary(c.RowCount, RowsPerTile, i + 1, blockCount) - WorkerPool.Boundary(c.RowCount, RowsPerTile, i, blockCount));
    }

    /// <summary>Computes the product.</summary>
    public static void Run(Workspace workspace, MatrixOperand<T> a, MatrixOperand<T> b, MatrixPointer<T> c, T alpha, T beta)
    {
        if (c.RowCount == 0 || c.ColumnCount == 0)
            return;
        bool isEmpty = a.ColumnCount == 0 || T.IsZero(alpha);
        if (T.IsZero(beta))
        {
            if (isEmpty)
                c.Clear();
        }
        else if (beta != T.One)
        {
            MatrixArithmetic<T> arithmetic = workspace.Arithmetic<T>();
            for (int row = 0; row < c.RowCount; row++)
                arithmetic.Scale(c.Row(row), beta, c.ColumnCount);
        }
        if (!isEmpty)
            new MatrixProduct<T>(workspace, a, b, c, alpha).Run(!T.IsZero(beta));
    }

    private void Run(bool keepsResult)
    {
        int width = arithmetic.PanelWidth;
        int slabColumnCount = Math.Max(1, SlabByteCount / (largestDepth * width * sizeof(T))) * width;
        slab = workspace.Shared<T>((long)largestDepth * Math.Min(slabColumnCount, (c.ColumnCount + width - 1) / width * width));
        for (firstColumn = 0; firstColumn < c.ColumnCount; firstColumn += slabColumnCount)
        {
            columnCount = Math.Min(slabColumnCount, c.ColumnCount - firstColumn);
            for (firstTerm = 0; firstTerm < a.ColumnCount; firstTerm += largestDepth)
            {
                depth = Math.Min(largestDepth, a.ColumnCount - firstTerm);
                accumulate = keepsResult || firstTerm > 0;
                workspace.Pool.Run(partCount, new PackWork(this));
                workspace.Pool.Run(partCount, new MultiplyWork(this));
            }
        }
    }

    // Rows in blocks that fit the cache, as many for each thread. If that leaves a thread without rows, blocks' columns are divided too.
    private (int BlockCount, int GroupCount) Divide(int parts)
    {
        int tiles = (c.RowCount + RowsPerTile - 1) / RowsPerTile;
        int tilesPerBlock = Math.Max(1, BlockByteCount / (largestDepth * sizeof(T)) / RowsPerTile);
        int blocks = (tiles + tilesPerBlock - 1) / tilesPerBlock;
        int even = (blocks + parts - 1) / parts * parts;
        const int FewTiles = 8;
        if (even * FewTiles <= tiles)
            return (even, 1);
        int panels = (c.ColumnCount + arithmetic.PanelWidth - 1) / arithmetic.PanelWidth;
        return (blocks, Math.Min(panels, parts));
    }

    private int PanelCount => (columnCount + arithmetic.PanelWidth - 1) / arithmetic.PanelWidth;

    private T* Panel(int panel) => slab + (long)panel * arithmetic.PanelWidth * depth;

    private int PanelColumnCount(int panel) => Math.Min(arithmetic.PanelWidth, columnCount - panel * arithmetic.PanelWidth);

    private int Padded(int count) => (count + arithmetic.Lanes - 1) / arithmetic.Lanes * arithmetic.Lanes;

    private void Pack(int part)
    {
        int end = WorkerPool.Boundary(PanelCount, 1, part + 1, partCount);
        for (int panel = WorkerPool.Boundary(PanelCount, 1, part, partCount); panel < end; panel++)
        {
            int count = PanelColumnCount(panel);
            int width = Padded(count);
            int column = firstColumn + panel * arithmetic.PanelWidth;
            T* target = Panel(panel);
            if (count < width)
                new Span<T>(target, depth * width).Clear();
            if (b.HasRows)
            {
                b.CopyLines(arithmetic, firstTerm, column, depth, count, T.One, target, width);
            }
            else if (!b.IsBrainFloat)
            {
                b.TransposeColumns(arithmetic, firstTerm, column, depth, count, target, width);
            }
            else
            {
                T* lines = workspace.OfPart<T>(part, (long)count * depth);
                b.CopyLines(arithmetic, firstTerm, column, count, depth, T.One, lines, depth);
                arithmetic.Transpose(lines, depth, count, depth, target, width);
            }
        }
    }

    private void Multiply(int part)
    {
        int taskCount = blockCount * groupCount;
        int end = WorkerPool.Boundary(taskCount, 1, part + 1, partCount);
        for (int task = WorkerPool.Boundary(taskCount, 1, part, partCount); task < end; task++)
        {
            int block = task / groupCount;
            int group = task % groupCount;
            int firstRow = WorkerPool.Boundary(c.RowCount, RowsPerTile, block, blockCount);
            int rowCount = WorkerPool.Boundary(c.RowCount, RowsPerTile, block + 1, blockCount) - firstRow;
            MultiplyBlock(part, firstRow, rowCount, WorkerPool.Boundary(PanelCount, 1, group, groupCount), WorkerPool.Boundary(PanelCount, 1, group + 1, groupCount));
        }
    }

    private void MultiplyBlock(int part, int firstRow, int rowCount, int firstPanel, int endPanel)
    {
        if (rowCount == 0 || firstPanel == endPanel)
            return;
        int paddedRowCount = (rowCount + RowsPerTile - 1) / RowsPerTile * RowsPerTile;
        int largestPaddedRowCount = (largestBlockRowCount + RowsPerTile - 1) / RowsPerTile * RowsPerTile;
        int rowStride = a.HasRows ? largestDepth + Padding : 1;
        int step = a.HasRows ? 1 : largestPaddedRowCount + Padding;
        int edgeCount = RowsPerTile * arithmetic.PanelWidth;
        T* edge = workspace.OfPart<T>(part, edgeCount + (a.HasRows ? (long)largestPaddedRowCount * rowStride : (long)largestDepth * step));
        T* rows = edge + edgeCount;
        CopyBlock(firstRow, rowCount, paddedRowCount, rows, a.HasRows ? rowStride : step);
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            int count = PanelColumnCount(panel);
            int width = Padded(count);
            T* columns = Panel(panel);
            byte* nextPanel = (byte*)(panel + 1 < endPanel ? Panel(panel + 1) : columns);
            long share = Prefetching.Share((long)depth * width * sizeof(T), paddedRowCount / RowsPerTile);
            T* result = c.Row(firstRow) + firstColumn + panel * arithmetic.PanelWidth;
            for (int row = 0; row < rowCount; row += RowsPerTile)
            {
                Prefetching.Request(nextPanel, share);
                nextPanel += share;
                T* tile = result + row * c.RowStep;
                int tileRowCount = Math.Min(RowsPerTile, rowCount - row);
                if (tileRowCount == RowsPerTile && count == width)
                {
                    arithmetic.MultiplyTile(rows + (long)row * rowStride, rowStride, step, columns, width, depth, tile, c.RowStep, accumulate);
                    continue;
                }
                arithmetic.MultiplyTile(rows + (long)row * rowStride, rowStride, step, columns, width, depth, edge, width, false);
                for (int r = 0; r < tileRowCount; r++)
                {
                    if (accumulate)
                        arithmetic.AddScaled(tile + r * c.RowStep, edge + r * width, T.One, count);
                    else
                        MatrixArithmetic<T>.Copy(edge + r * width, tile + r * c.RowStep, count);
                }
            }
        }
    }

    private void CopyBlock(int firstRow, int rowCount, int paddedRowCount, T* rows, int lineStride)
    {
        if (a.HasRows)
        {
            a.CopyLines(arithmetic, firstRow, firstTerm, rowCount, depth, alpha, rows, lineStride);
            new Span<T>(rows + (long)rowCount * lineStride, (paddedRowCount - rowCount) * lineStride).Clear();
            return;
        }
        a.CopyLines(arithmetic, firstRow, firstTerm, depth, rowCount, alpha, rows, lineStride);
        for (int term = 0; rowCount < paddedRowCount && term < depth; term++)
            new Span<T>(rows + (long)term * lineStride + rowCount, paddedRowCount - rowCount).Clear();
    }

    private readonly struct PackWork(MatrixProduct<T> product) : IParallelWork
    {
        public void Run(int part) => product.Pack(part);
    }

    private readonly struct MultiplyWork(MatrixProduct<T> product) : IParallelWork
    {
        public void Run(int part) => product.Multiply(part);
    }
}
