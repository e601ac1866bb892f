using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels;

/// <summary>
/// The activations of matrix products that share one input, in the forms that kernels read: rows of tokens; for many tokens panels, in which
/// the tokens of a column lie together; for few tokens sums over groups of columns, which formats with offsets need.
/// </summary>
internal sealed unsafe class ProductInput : IDisposable
{
    /// <summary>From this many tokens on, products run on panels.</summary>
    public const int SmallestPanelTokenCount = 6;

    private readonly ByteActivations shortBytes = new(32);
    private readonly ByteActivations longBytes = new(256);
    private bool isSingleFilled;
    private bool shortBytesFilled;
    private bool longBytesFilled;
    private AlignedBuffer? panels;
    private AlignedBuffer? sums;
    private FloatArithmetic? arithmetic;

    /// <summary>Threads that bring the activations into other forms.</summary>
    public WorkerPool Pool { get; private set; } = null!;

    /// <summary>Elements per token.</summary>
    public int ColumnCount { get; private set; }

    /// <summary>Tokens.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Row-major values [tokens, columns].</summary>
    public float* Rows { get; private set; }

    /// <summary>True if there are panels, false if there are sums.</summary>
    public bool HasPanels { get; private set; }

    /// <summary>Tokens rounded up to whole vectors; the tokens added are zero.</summary>
    public int PaddedTokenCount { get; private set; }

    /// <summary>Points at new activations; kernels ask for the forms they read.</summary>
    public void Set(WorkerPool pool, FloatArithmetic functions, float* rows, int tokenCount, int columnCount)
    {
        Rows = rows;
        TokenCount = tokenCount;
        ColumnCount = columnCount;
        arithmetic = functions;
        HasPanels = tokenCount >= SmallestPanelTokenCount;
        PaddedTokenCount = (tokenCount + functions.Lanes - 1) / functions.Lanes * functions.Lanes;
        isSingleFilled = shortBytesFilled = longBytesFilled = false;
        Pool = pool;
    }

    /// <summary>Fills panels or sums, whichever the number of tokens asks for.</summary>
    public void PrepareSingle()
    {
        if (isSingleFilled)
            return;
        isSingleFilled = true;
        if (!HasPanels)
        {
            AlignedBuffer.Reserve(ref sums, (long)TokenCount * SumCount(ColumnCount) * sizeof(float));
            for (int token = 0; token < TokenCount; token++)
                FillSums(Rows + (long)token * ColumnCount, Sums(token, 16), Sums(token, 32));
            return;
        }
        AlignedBuffer.Reserve(ref panels, (long)PaddedTokenCount * ColumnCount * sizeof(float));
        // A few thousand elements are turned sooner than another thread is told.
        const long ElementsWorthThreads = 1 << 14;
        int parts = (long)TokenCount * ColumnCount < ElementsWorthThreads ? 1 : Pool.ThreadCount;
        Pool.Run(parts, new PackWork(this, parts));
    }

    /// <summary>The activations in 8 bits, rounded when first asked for.</summary>
    /// <param name="blockLength">32 or 256.</param>
    public ByteActivations Bytes(int blockLength)
    {
        ref bool filled = ref blockLength == 32 ? ref shortBytesFilled : ref longBytesFilled;
        ByteActivations bytes = blockLength == 32 ? shortBytes : longBytes;
        if (!filled)
            bytes.Set(Pool, Rows, TokenCount, ColumnCount);
        filled = true;
        return bytes;
    }

    /// <summary>Tokens of the panel that starts with this token, zeros included.</summary>
    public int PanelWidth(int firstToken) => Math.Min(arithmetic!.PanelWidth, PaddedTokenCount - firstToken);

    /// <summary>The panel that starts with this token, from a column on: [columns, width].</summary>
    public float* Panel(int firstToken, int firstColumn) =>
        panels!.Floats + (long)firstToken * ColumnCount + (long)firstColumn * PanelWidth(firstToken);

    /// <summary>The sums of a token's columns, 16 or 32 at a time.</summary>
    public float* Sums(int token, int groupLength) => sums!.Floats + (long)token * SumCount(ColumnCount) + (groupLength == 16 ? 0 : SumCount(ColumnCount) / 3 * 2);

    /// <inheritdoc/>
    public void Dispose()
    {
        panels?.Dispose();
        sums?.Dispose();
        shortBytes.Dispose();
        longBytes.Dispose();
    }

    // 16 sums of 16 and 8 of 32 for every 256 columns begun, so that sums can be read four at a time.
    private static int SumCount(int columnCount) => (columnCount + 255) / 256 * 24;

    private void FillSums(float* row, float* sixteens, float* thirtyTwos)
    {
        for (int i = 0; i < (ColumnCount + 255) / 256 * 16; i++)
        {
            int end = Math.Min(16 * i + 16, ColumnCount);
            float sum = 0;
            for (int column = 16 * i; column < end; column++)
                sum += row[column];
            sixteens[i] = sum;
            if (i % 2 == 1)
                thirtyTwos[i / 2] = sixteens[i - 1] + sum;
        }
    }

    private void Pack(int firstColumn, int endColumn)
    {
        int columns = endColumn - firstColumn;
        for (int first = 0; first < TokenCount; first += arithmetic!.PanelWidth)
        {
            int width = PanelWidth(first);
            int tokens = Math.Min(width, TokenCount - first);
            float* panel = Panel(first, firstColumn);
            if (tokens < width)
                new Span<float>(panel, checked(columns * width)).Clear();
            arithmetic!.Transpose(Rows + (long)first * ColumnCount + firstColumn, ColumnCount, tokens, columns, panel, width);
        }
    }

    private readonly struct PackWork(ProductInput input, int parts) : IParallelWork
    {
        public void Run(int part) =>
            input.Pack(WorkerPool.Boundary(input.ColumnCount, 16, part, parts), WorkerPool.Boundary(input.ColumnCount, 16, part + 1, parts));
    }
}
