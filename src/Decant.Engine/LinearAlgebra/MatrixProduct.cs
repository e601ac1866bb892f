using System.Numerics;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.LinearAlgebra;

// The right operand is cut into slabs whose panels, as wide as the register tile, are divided among all threads to be packed:
//
//        slab of B                     panel t: [slab depth][width], width = 64 for single precision on AVX-512
//     +----+----+----+--+
//     |    |    |    |  |   <- depth   a piece of a panel (32 KB) stays in the first-level cache while the rows of a block pass,
//     | p0 | p1 | p2 |p3|   <- depth   a piece of a block of A ([rows][depth], 150 KB) in the second while the panels of a group pass,
//     |    |    |    |  |              the sums of a block ([rows][group], 540 KB) in the second while all pieces of the depth pass
//     +----+----+----+--+
//
// Each thread takes blocks of rows, static ranges of them, and copies their part of A once. It multiplies its first block with the panels that are its own to
// pack: a piece of a panel is packed just before it is used, and asked for while the one before it is multiplied. Then everything else follows. This is the order of Goto and van de Geijn 2008 with the
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
                workspace.Pool.Run(partCount, new FirstWork(this));
                if (PacksAhead || blockCount * columnPartCount > partCount || columnPartCount < partCount)
                    workspace.Pool.Run(partCount, new RestWork(this));
            }
        }
    }

    private int PanelCount => (columnCount + arithmetic.PanelWidth - 1) / arithmetic.PanelWidth;

    private T* Panel(int panel) => slab + (long)panel * arithmetic.PanelWidth * termCount;

    private int PanelColumnCount(int panel) => Math.Min(arithmetic.PanelWidth, columnCount - panel * arithmetic.PanelWidth);

    private int Padded(int count) => (count + arithmetic.Lanes - 1) / arithmetic.Lanes * arithmetic.Lanes;

    // Where blocks and parts of columns both are several, all panels are packed before any is used.
    private bool PacksAhead => blockCount > 1 && columnPartCount > 1;

    private (int First, int End) Panels(int share, int shareCount) =>
        (WorkerPool.Boundary(PanelCount, 1, share, shareCount), WorkerPool.Boundary(PanelCount, 1, share + 1, shareCount));

    // What a part packs.
    private (int First, int End) OwnPanels(int part) => Panels(part, partCount);

    // Packs a piece of a panel. Lines are where columns of BF16 are widened.
    private void PackPiece(int panel, int term, int count, T* lines)
    {
        int columns = PanelColumnCount(panel);
        int width = Padded(columns);
        int column = firstColumn + panel * arithmetic.PanelWidth;
        T* target = Panel(panel) + (long)term * width;
        if (columns < width)
            new Span<T>(target, count * width).Clear();
        if (b.HasRows)
        {
            b.CopyLines(arithmetic, firstTerm + term, column, count, columns, T.One, target, width);
        }
        else if (!b.IsBrainFloat)
        {
            b.TransposeColumns(arithmetic, firstTerm + term, column, count, columns, target, width);
        }
        else
        {
            b.CopyLines(arithmetic, firstTerm + term, column, columns, count, T.One, lines, count);
            arithmetic.Transpose(lines, count, columns, count, target, width);
        }
    }

    // The tasks of a part: blocks of rows, and within them parts of the panels.
    private (int First, int End) Tasks(int part) =>
        (WorkerPool.Boundary(blockCount * columnPartCount, 1, part, partCount), WorkerPool.Boundary(blockCount * columnPartCount, 1, part + 1, partCount));

    private (int FirstRow, int RowCount) Block(int task)
    {
        int first = WorkerPool.Boundary(c.RowCount, RowsPerTile, task / columnPartCount, blockCount);
        return (first, WorkerPool.Boundary(c.RowCount, RowsPerTile, task / columnPartCount + 1, blockCount) - first);
    }

    // Packs the part's own panels while its first block is multiplied with them.
    private void MultiplyFirst(int part)
    {
        (int firstPanel, int endPanel) = OwnPanels(part);
        if (PacksAhead)
        {
            T* lines = workspace.OfPart<T>(part, LinesLength);
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                for (int term = 0; term < termCount; term += depth)
                    PackPiece(panel, term, Math.Min(depth, termCount - term), lines);
            }
            return;
        }
        MultiplyBlock(part, Block(Tasks(part).First), firstPanel, endPanel, hasRows: false, packs: true);
    }

    private void MultiplyRest(int part)
    {
        (int first, int end) = Tasks(part);
        (int firstOwn, int endOwn) = OwnPanels(part);
        for (int task = first; task < end; task++)
        {
            if (!PacksAhead && task == first)
            {
                if (columnPartCount > 1)
                    continue;
                MultiplyBlock(part, Block(task), 0, firstOwn, hasRows: endOwn > firstOwn, packs: false);
                MultiplyBlock(part, Block(task), endOwn, PanelCount, hasRows: endOwn > 0, packs: false);
                continue;
            }
            (int firstPanel, int endPanel) = Panels(task % columnPartCount, columnPartCount);
            MultiplyBlock(part, Block(task), firstPanel, endPanel, hasRows: false, packs: false);
        }
    }

    private int LinesLength => b.IsBrainFloat && !b.HasRows ? arithmetic.PanelWidth * depth : 0;

    // Has rows: the block's part of A has been copied by a call before this one.
    private void MultiplyBlock(int part, (int FirstRow, int RowCount) block, int firstPanel, int endPanel, bool hasRows, bool packs)
    {
        (int firstRow, int rowCount) = block;
        if (rowCount == 0 || firstPanel >= endPanel)
            return;
        int paddedRowCount = (rowCount + RowsPerTile - 1) / RowsPerTile * RowsPerTile;
        // Lines of a piece are rows or, if those lie together, columns of A.
        int lineStride = (a.HasRows ? depth : BlockRowCount) + Padding;
        long pieceLength = (long)lineStride * (a.HasRows ? paddedRowCount : depth);
        int pieceCount = (termCount + depth - 1) / depth;
        long panelSumCount = (long)paddedRowCount * arithmetic.PanelWidth;
        long sumCount = Math.Min(PanelsPerGroup, PanelCount) * panelSumCount;
        T* sums = workspace.OfPart<T>(part, sumCount + pieceLength * pieceCount + LinesLength);
        T* rows = sums + sumCount;
        T* lines = rows + pieceLength * pieceCount;
        int tileCount = paddedRowCount / RowsPerTile;
        for (int group = firstPanel; group < endPanel; group += PanelsPerGroup)
        {
            int endOfGroup = Math.Min(group + PanelsPerGroup, endPanel);
            for (int piece = 0; piece < pieceCount; piece++)
            {
                int term = piece * depth, count = Math.Min(depth, termCount - term);
                bool copies = !hasRows && group == firstPanel;
                // A piece of A is copied when it is first used; the next is asked for meanwhile.
                if (copies)
                    CopyPiece(firstRow, rowCount, paddedRowCount, term, count, rows + piece * pieceLength, lineStride);
                LineRequests requests = copies && piece + 1 < pieceCount
                    ? RequestsFor(a, firstRow, firstTerm + term + count, rowCount, Math.Min(depth, termCount - term - count), tileCount * (endOfGroup - group))
                    : default;
                for (int panel = group; panel < endOfGroup; panel++)
                {
                    int next = panel + 1 < endOfGroup ? panel + 1 : group;
                    int nextTerm = next > panel ? term : term + count;
                    LineRequests panelRequests = default;
                    if (packs)
                    {
                        PackPiece(panel, term, count, lines);
                        panelRequests = RequestsFor(
                            b, firstTerm + nextTerm, firstColumn + next * arithmetic.PanelWidth, Math.Min(depth, termCount - nextTerm), PanelColumnCount(next), tileCount);
                    }
                    byte* toCome = packs ? null : (byte*)(Panel(next) + (long)nextTerm * Padded(PanelColumnCount(next)));
                    MultiplyPanel(rows + piece * pieceLength, lineStride, sums + (panel - group) * panelSumCount, firstRow, rowCount, panel, term, count, toCome, ref requests, ref panelRequests);
                }
            }
        }
    }

    // The sums of a panel's rows lie together until the last piece of the depth has been added: rows of C far apart would be in one another's cache sets.
    private void MultiplyPanel(T* rows, int lineStride, T* sums, int firstRow, int rowCount, int panel, int term, int count, byte* toCome, ref LineRequests requests, ref LineRequests panelRequests)
    {
        (int rowStride, int step) = a.HasRows ? (lineStride, 1) : (1, lineStride);
        int panelColumnCount = PanelColumnCount(panel);
        int width = Padded(panelColumnCount);
        T* columns = Panel(panel) + (long)term * width;
        T* result = c.Row(firstRow) + firstColumn + panel * arithmetic.PanelWidth;
        bool isFirst = term == 0, isLast = term + count == termCount;
        // Nothing is asked for of panels that are not packed yet.
        long share = toCome == null ? 0 : Prefetching.Share((long)count * width * sizeof(T), (rowCount + RowsPerTile - 1) / RowsPerTile);
        for (int row = 0; row < rowCount; row += RowsPerTile)
        {
            Prefetching.Request(toCome, share);
            toCome += share;
            requests.Request(a);
            panelRequests.Request(b);
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

    // A rectangle of an operand that is copied next.
    private static LineRequests RequestsFor(MatrixOperand<T> operand, int row, int column, int rowCount, int columnCount, int tileCount) => operand.HasRows
        ? new LineRequests(row, column, rowCount, columnCount, tileCount)
        : new LineRequests(row, column, columnCount, rowCount, tileCount);

    // Lines of an operand that are copied next, some asked for at every tile.
    private struct LineRequests(int row, int column, int lineCount, int lineLength, int tileCount)
    {
        private readonly int share = (lineCount + tileCount - 1) / tileCount;
        private int done;

        public void Request(MatrixOperand<T> operand)
        {
            for (int end = Math.Min(lineCount, done + share); done < end; done++)
                operand.Request(operand.HasRows ? row + done : row, operand.HasRows ? column : column + done, lineLength);
        }
    }

    private readonly struct FirstWork(MatrixProduct<T> product) : IParallelWork
    {
        public void Run(int part) => product.MultiplyFirst(part);
    }

    private readonly struct RestWork(MatrixProduct<T> product) : IParallelWork
    {
        public void Run(int part) => product.MultiplyRest(part);
    }
}
