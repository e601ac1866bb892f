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
//     |    |    |    |  |              the sums of a block ([rows][group], 540 KB) in the second while all pieces of the depth pass
//     +----+----+----+--+
//
// Then each thread takes blocks of rows, static ranges of them, and copies their part of A once. This is the order of Goto and van de Geijn 2008 with the
// roles of the operands exchanged for row-major memory, and with sums instead of B held in the second-level cache. The sum of an element runs over k in ascending
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
        int first = WorkerPool.Boundary(PanelCount, 1, part, partCount), end = WorkerPool.Boundary(PanelCount, 1, part + 1, partCount);
        if (b.HasRows)
        {
            PackRows(first, end);
            return;
        }
        for (int panel = first; panel < end; panel++)
        {
            int count = PanelColumnCount(panel);
            int width = Padded(count);
            int column = firstColumn + panel * arithmetic.PanelWidth;
            T* target = Panel(panel);
            if (count < width)
                new Span<T>(target, termCount * width).Clear();
            if (!b.IsBrainFloat)
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

    // A row of B goes to all panels before the next, so that memory is read in order.
    private void PackRows(int firstPanel, int endPanel)
    {
        for (int term = 0; term < termCount; term++)
        {
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                int count = PanelColumnCount(panel);
                int width = Padded(count);
                T* target = Panel(panel) + (long)term * width;
                b.CopyLines(arithmetic, firstTerm + term, firstColumn + panel * arithmetic.PanelWidth, 1, count, T.One, target, width);
                if (count < width)
                    new Span<T>(target + count, width - count).Clear();
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
        long panelSumCount = (long)paddedRowCount * arithmetic.PanelWidth;
        long sumCount = Math.Min(PanelsPerGroup, endPanel - firstPanel) * panelSumCount;
        T* sums = workspace.OfPart<T>(part, sumCount + pieceLength * pieceCount);
        T* rows = sums + sumCount;
        for (int group = firstPanel; group < endPanel; group += PanelsPerGroup)
        {
            int endOfGroup = Math.Min(group + PanelsPerGroup, endPanel);
            for (int piece = 0; piece < pieceCount; piece++)
            {
                int term = piece * depth, count = Math.Min(depth, termCount - term);
                // A piece of A is copied when it is first used; the next is asked for meanwhile.
                if (group == firstPanel)
                    CopyPiece(firstRow, rowCount, paddedRowCount, term, count, rows + piece * pieceLength, lineStride);
                LineRequests requests = group == firstPanel && piece + 1 < pieceCount
                    ? PieceRequests(firstRow, rowCount, term + count, Math.Min(depth, termCount - term - count), paddedRowCount / RowsPerTile * (endOfGroup - group))
                    : default;
                for (int panel = group; panel < endOfGroup; panel++)
                {
                    int next = panel + 1 < endOfGroup ? panel + 1 : group;
                    MultiplyPanel(rows + piece * pieceLength, lineStride, sums + (panel - group) * panelSumCount, firstRow, rowCount, panel, next, term, count, ref requests);
                }
            }
        }
    }

    // The sums of a panel's rows lie together until the last piece of the depth has been added: rows of C far apart would be in one another's cache sets.
    private void MultiplyPanel(T* rows, int lineStride, T* sums, int firstRow, int rowCount, int panel, int nextPanel, int term, int count, ref LineRequests requests)
    {
        (int rowStride, int step) = a.HasRows ? (lineStride, 1) : (1, lineStride);
        int panelColumnCount = PanelColumnCount(panel);
        int width = Padded(panelColumnCount);
        T* columns = Panel(panel) + (long)term * width;
        T* result = c.Row(firstRow) + firstColumn + panel * arithmetic.PanelWidth;
        bool isFirst = term == 0, isLast = term + count == termCount;
        byte* toCome = (byte*)(Panel(nextPanel) + (long)(nextPanel > panel ? term : term + count) * Padded(PanelColumnCount(nextPanel)));
        long share = Prefetching.Share((long)count * width * sizeof(T), (rowCount + RowsPerTile - 1) / RowsPerTile);
        for (int row = 0; row < rowCount; row += RowsPerTile)
        {
            Prefetching.Request(toCome, share);
            toCome += share;
            requests.Request(a);
            T* tile = result + row * c.RowStep;
            T* own = sums + row * width;
            int tileRowCount = Math.Min(RowsPerTile, rowCount - row);
            // Tiles that reach beyond C never touch it themselves.
            bool isWhole = tileRowCount == RowsPerTile && panelColumnCount == width;
            bool writesResult = isLast && isWhole;
            T* addend = own;
            if (isFirst)
                addend = !accumulate ? null : isWhole ? tile : own;
            if (isFirst && accumulate && !isWhole)
                CopyTile(tile, c.RowStep, own, width, tileRowCount, panelColumnCount);
            arithmetic.MultiplyTile(
                rows + (long)row * rowStride, rowStride, step, columns, width, count,
                addend, addend == tile ? c.RowStep : width, writesResult ? tile : own, writesResult ? c.RowStep : width);
            if (isLast && !isWhole)
                CopyTile(own, width, tile, c.RowStep, tileRowCount, panelColumnCount);
        }
    }

    private static void CopyTile(T* source, long sourceStride, T* target, long targetStride, int rowCount, int columnCount)
    {
        for (int row = 0; row < rowCount; row++)
            MatrixArithmetic<T>.Copy(source + row * sourceStride, target + row * targetStride, columnCount);
    }

    // Along the lines of A, so that memory is read in order.
    private void CopyPiece(int firstRow, int rowCount, int paddedRowCount, int term, int count, T* piece, int lineStride)
    {
        if (a.HasRows)
        {
            a.CopyLines(arithmetic, firstRow, firstTerm + term, rowCount, count, alpha, piece, lineStride);
            for (int row = rowCount; row < paddedRowCount; row++)
                new Span<T>(piece + (long)row * lineStride, count).Clear();
            return;
        }
        a.CopyLines(arithmetic, firstRow, firstTerm + term, count, rowCount, alpha, piece, lineStride);
        for (int line = 0; rowCount < paddedRowCount && line < count; line++)
            new Span<T>(piece + (long)line * lineStride + rowCount, paddedRowCount - rowCount).Clear();
    }

    private LineRequests PieceRequests(int firstRow, int rowCount, int term, int count, int tileCount) => a.HasRows
        ? new LineRequests(firstRow, firstTerm + term, rowCount, count, tileCount)
        : new LineRequests(firstRow, firstTerm + term, count, rowCount, tileCount);

    // Lines of A that are copied next, some asked for at every tile.
    private struct LineRequests(int row, int term, int lineCount, int lineLength, int tileCount)
    {
        private readonly int share = (lineCount + tileCount - 1) / tileCount;
        private int done;

        public void Request(MatrixOperand<T> a)
        {
            for (int end = Math.Min(lineCount, done + share); done < end; done++)
                a.Request(a.HasRows ? row + done : row, a.HasRows ? term : term + done, lineLength);
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
