using System.Numerics;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.LinearAlgebra;

// The right operand is cut into slabs that all threads pack together into panels as wide as the register tile:
//
//        slab of B                     panel t: [slab depth][width], width = 64 for single precision on AVX-512
//     +----+----+----+--+
//     |    |    |    |  |   <- depth   a piece of a panel (32 KB) stays in the first-level cache while the rows of a block pass,
//     | p0 | p1 | p2 |p3|   <- depth   a piece of a block of A ([rows][depth], 150 KB) in the second while the panels of a group pass,
//     |    |    |    |  |              a block of C ([rows][group], 540 KB) in the second while all pieces of the depth pass
//     +----+----+----+--+
//
// Then each thread takes blocks of rows, static ranges of them, and copies their part of A once. This is the order of Goto and van de Geijn 2008 with the
// roles of the operands exchanged for row-major memory, and with C instead of B held in the second-level cache. The sum of an element runs over k in ascending
// order within a piece of the depth and over pieces in ascending order, whatever the threads, so the result's bytes do not depend on them.

/// <summary>One product C = alpha · A · B + beta · C.</summary>
internal sealed unsafe class MatrixProduct<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private const int RowsPerTile = FloatArithmetic.TileRowCount;
    private const int PieceByteCount = 32 << 10;
    private const int BlockRowCount = 264;
    private const int PanelsPerGroup = 8;
    private const int LargestSlabDepth = 2048;
    private const int SlabByteCount = 32 << 20;

    // If one block holds all rows, a slab is read only once: then it should still be in the second-level cache of the thread that packed it.
    private const int SlabByteCountForOneBlock = 1 << 20;

    // Keeps lines of a copied block out of one another's cache sets.
    private const int Padding = 16;

    // Fewer rows than this are not divided further: each thread copies its panels' part of A anew.
    private const int SmallestBlockRowCount = 48;

    // Smallest number of multiply-adds that is worth telling another thread.
    private const long WorkPerThread = 1 << 18;

    private readonly Workspace workspace;
    private readonly MatrixArithmetic<T> arithmetic;
    private readonly MatrixOperand<T> a;
    private readonly MatrixOperand<T> b;
    private readonly MatrixPointer<T> c;
    private readonly T alpha;
    private readonly int depth;
    private readonly int partCount;
    private readonly int blockCount;
    private readonly int columnPartCount;
    private T* slab;
    private int firstColumn;
    private int columnCount;
    private int firstTerm;
    private int termCount;
    private bool accumulate;

    private MatrixProduct(Workspace workspace, MatrixOperand<T> a, MatrixOperand<T> b, MatrixPointer<T> c, T alpha)
    {
        this.workspace = workspace;
        this.a = a;
        this.b = b;
        this.c = c;
        this.alpha = alpha;
        arithmetic = workspace.Arithmetic<T>();
        depth = Math.Clamp(PieceByteCount / (arithmetic.PanelWidth * sizeof(T)), 64, 256);
        long work = (long)c.RowCount * c.ColumnCount * a.ColumnCount;
        partCount = (int)Math.Clamp(work / WorkPerThread, 1, workspace.Pool.ThreadCount);
        // As many blocks for each thread; if rows are few, one block, and threads divide the columns.
        int blocks = (c.RowCount + BlockRowCount - 1) / BlockRowCount;
        int even = (blocks + partCount - 1) / partCount * partCount;
        bool hasManyRows = c.RowCount / even >= SmallestBlockRowCount;
        blockCount = hasManyRows ? even : blocks;
        columnPartCount = hasManyRows ? 1 : partCount;
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
        int slabDepth = Math.Min(LargestSlabDepth, a.ColumnCount);
        long slabByteCount = c.RowCount <= BlockRowCount ? (long)SlabByteCountForOneBlock * partCount : SlabByteCount;
        int slabPanelCount = (int)Math.Max(partCount, slabByteCount / ((long)slabDepth * width * sizeof(T)));
        int slabColumnCount = Math.Min(slabPanelCount, (c.ColumnCount + width - 1) / width) * width;
        slab = workspace.Shared<T>((long)slabDepth * slabColumnCount);
        for (firstColumn = 0; firstColumn < c.ColumnCount; firstColumn += slabColumnCount)
        {
            columnCount = Math.Min(slabColumnCount, c.ColumnCount - firstColumn);
            for (firstTerm = 0; firstTerm < a.ColumnCount; firstTerm += slabDepth)
            {
                termCount = Math.Min(slabDepth, a.ColumnCount - firstTerm);
                accumulate = keepsResult || firstTerm > 0;
                workspace.Pool.Run(partCount, new PackWork(this));
                workspace.Pool.Run(partCount, new MultiplyWork(this));
            }
        }
    }

    private int PanelCount => (columnCount + arithmetic.PanelWidth - 1) / arithmetic.PanelWidth;

    private T* Panel(int panel) => slab + (long)panel * arithmetic.PanelWidth * termCount;

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
                new Span<T>(target, termCount * width).Clear();
            if (b.HasRows)
            {
                b.CopyLines(arithmetic, firstTerm, column, termCount, count, T.One, target, width);
            }
            else if (!b.IsBrainFloat)
            {
                b.TransposeColumns(arithmetic, firstTerm, column, termCount, count, target, width);
            }
            else
            {
                T* lines = workspace.OfPart<T>(part, (long)count * termCount);
                b.CopyLines(arithmetic, firstTerm, column, count, termCount, T.One, lines, termCount);
                arithmetic.Transpose(lines, termCount, count, termCount, target, width);
            }
        }
    }

    private void Multiply(int part)
    {
        int taskCount = blockCount * columnPartCount;
        int end = WorkerPool.Boundary(taskCount, 1, part + 1, partCount);
        for (int task = WorkerPool.Boundary(taskCount, 1, part, partCount); task < end; task++)
        {
            int block = task / columnPartCount;
            int columnPart = task % columnPartCount;
            int firstRow = WorkerPool.Boundary(c.RowCount, RowsPerTile, block, blockCount);
            int rowCount = WorkerPool.Boundary(c.RowCount, RowsPerTile, block + 1, blockCount) - firstRow;
            int firstPanel = WorkerPool.Boundary(PanelCount, 1, columnPart, columnPartCount);
            int endPanel = WorkerPool.Boundary(PanelCount, 1, columnPart + 1, columnPartCount);
            if (rowCount > 0 && firstPanel < endPanel)
                MultiplyBlock(part, firstRow, rowCount, firstPanel, endPanel);
        }
    }

    private void MultiplyBlock(int part, int firstRow, int rowCount, int firstPanel, int endPanel)
    {
        int paddedRowCount = (rowCount + RowsPerTile - 1) / RowsPerTile * RowsPerTile;
        // Lines of a piece are rows or, if those lie together, columns of A.
        int lineStride = (a.HasRows ? depth : BlockRowCount) + Padding;
        long pieceLength = (long)lineStride * (a.HasRows ? paddedRowCount : depth);
        int pieceCount = (termCount + depth - 1) / depth;
        int edgeCount = RowsPerTile * arithmetic.PanelWidth;
        T* edge = workspace.OfPart<T>(part, edgeCount + pieceLength * pieceCount);
        T* rows = edge + edgeCount;
        CopyBlock(firstRow, rowCount, paddedRowCount, rows, lineStride, pieceLength);
        for (int group = firstPanel; group < endPanel; group += PanelsPerGroup)
        {
            int endOfGroup = Math.Min(group + PanelsPerGroup, endPanel);
            for (int piece = 0; piece < pieceCount; piece++)
            {
                int term = piece * depth, count = Math.Min(depth, termCount - term);
                for (int panel = group; panel < endOfGroup; panel++)
                {
                    int next = panel + 1 < endOfGroup ? panel + 1 : group;
                    MultiplyPanel(rows + piece * pieceLength, lineStride, edge, firstRow, rowCount, panel, next, term, count);
                }
            }
        }
    }

    private void MultiplyPanel(T* rows, int lineStride, T* edge, int firstRow, int rowCount, int panel, int nextPanel, int term, int count)
    {
        (int rowStride, int step) = a.HasRows ? (lineStride, 1) : (1, lineStride);
        int panelColumnCount = PanelColumnCount(panel);
        int width = Padded(panelColumnCount);
        T* columns = Panel(panel) + (long)term * width;
        T* result = c.Row(firstRow) + firstColumn + panel * arithmetic.PanelWidth;
        bool adds = accumulate || term > 0;
        byte* toCome = (byte*)(Panel(nextPanel) + (long)(nextPanel > panel ? term : term + count) * Padded(PanelColumnCount(nextPanel)));
        long share = Prefetching.Share((long)count * width * sizeof(T), (rowCount + RowsPerTile - 1) / RowsPerTile);
        for (int row = 0; row < rowCount; row += RowsPerTile)
        {
            Prefetching.Request(toCome, share);
            toCome += share;
            T* tile = result + row * c.RowStep;
            int tileRowCount = Math.Min(RowsPerTile, rowCount - row);
            if (tileRowCount == RowsPerTile && panelColumnCount == width)
            {
                for (int r = 0; r < RowsPerTile; r++)
                    Prefetching.RequestNear(tile + r * c.RowStep, width * sizeof(T));
                arithmetic.MultiplyTile(rows + (long)row * rowStride, rowStride, step, columns, width, count, tile, c.RowStep, adds);
                continue;
            }
            arithmetic.MultiplyTile(rows + (long)row * rowStride, rowStride, step, columns, width, count, edge, width, false);
            for (int r = 0; r < tileRowCount; r++)
            {
                if (adds)
                    arithmetic.AddScaled(tile + r * c.RowStep, edge + r * width, T.One, panelColumnCount);
                else
                    MatrixArithmetic<T>.Copy(edge + r * width, tile + r * c.RowStep, panelColumnCount);
            }
        }
    }

    private void CopyBlock(int firstRow, int rowCount, int paddedRowCount, T* pieces, int lineStride, long pieceLength)
    {
        // Along the lines of A, so that memory is read in order.
        if (!a.HasRows)
        {
            a.CopyLines(arithmetic, firstRow, firstTerm, termCount, rowCount, alpha, pieces, lineStride);
            for (int line = 0; rowCount < paddedRowCount && line < termCount; line++)
                new Span<T>(pieces + (long)line * lineStride + rowCount, paddedRowCount - rowCount).Clear();
            return;
        }
        for (int row = 0; row < paddedRowCount; row++)
        {
            for (int term = 0; term < termCount; term += depth)
            {
                T* target = pieces + term / depth * pieceLength + (long)row * lineStride;
                int count = Math.Min(depth, termCount - term);
                if (row < rowCount)
                    a.CopyLines(arithmetic, firstRow + row, firstTerm + term, 1, count, alpha, target, lineStride);
                else
                    new Span<T>(target, count).Clear();
            }
        }
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
