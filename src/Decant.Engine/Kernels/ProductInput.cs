using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels;

/// <summary>
/// The activations of matrix products that share one input, in the forms that kernels read: rows of tokens; for many tokens slices, in which 128
/// columns of all tokens lie together; for few tokens sums over groups of columns, which formats with offsets need; rounded to 8 bits.
/// </summary>
internal sealed unsafe class ProductInput : IDisposable
{
    /// <summary>From this many tokens on, products in single precision run on tiles.</summary>
    public const int SmallestTileTokenCount = FloatArithmetic.TileRowCount;

    /// <summary>Columns of a slice.</summary>
    public const int SliceDepth = 128;

    private readonly ByteActivations shortBytes = new(32);
    private readonly ByteActivations longBytes = new(256);
    private readonly WordActivations words = new();
    private bool singleFilled;
    private bool wordsFilled;
    private bool shortBytesFilled;
    private bool longBytesFilled;
    private AlignedBuffer? slices;
    private AlignedBuffer? sums;

    /// <summary>Threads that bring the activations into other forms.</summary>
    public WorkerPool Pool { get; private set; } = null!;

    /// <summary>Elements per token.</summary>
    public int ColumnCount { get; private set; }

    /// <summary>Tokens.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Row-major values [tokens, columns].</summary>
    public float* Rows { get; private set; }

    /// <summary>True if there are tokens enough for products to run on tiles.</summary>
    public bool FillsTiles => TokenCount >= SmallestTileTokenCount;

    /// <summary>Points at new activations; kernels ask for the forms they read.</summary>
    public void Set(WorkerPool pool, float* rows, int tokenCount, int columnCount)
    {
        Rows = rows;
        TokenCount = tokenCount;
        ColumnCount = columnCount;
        singleFilled = wordsFilled = shortBytesFilled = longBytesFilled = false;
        Pool = pool;
    }

    /// <summary>Fills slices or sums, whichever the number of tokens asks for.</summary>
    public void PrepareSingle()
    {
        if (singleFilled)
            return;
        singleFilled = true;
        if (FillsTiles)
        {
            PrepareSlices();
        }
        else
        {
            AlignedBuffer.Reserve(ref sums, (long)TokenCount * SumCount(ColumnCount) * sizeof(float));
            for (int token = 0; token < TokenCount; token++)
                FillSums(Rows + (long)token * ColumnCount, Sums(token, 16), Sums(token, 32));
        }
    }

    /// <summary>The columns of all tokens from a multiple of <see cref="SliceDepth"/> on: [tokens, <see cref="SliceWidth"/>], <see cref="SliceStride"/> apart.</summary>
    public float* Slice(int column) => CopiesSlices ? slices!.Floats + (long)column * TokenCount : Rows + column;

    /// <summary>Columns of the slice that starts with this one.</summary>
    public int SliceWidth(int column) => Math.Min(SliceDepth, ColumnCount - column);

    /// <summary>Elements between tokens of the slice that starts with this column.</summary>
    public int SliceStride(int column) => CopiesSlices ? SliceWidth(column) : ColumnCount;

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

    /// <summary>The activations in 16 bits, rounded when first asked for.</summary>
    public WordActivations Words()
    {
        if (!wordsFilled)
            words.Set(Pool, Rows, TokenCount, ColumnCount);
        wordsFilled = true;
        return words;
    }

    /// <summary>The sums of a token's columns, 16 or 32 at a time.</summary>
    public float* Sums(int token, int groupLength) => sums!.Floats + (long)token * SumCount(ColumnCount) + (groupLength == 16 ? 0 : SumCount(ColumnCount) / 3 * 2);

    /// <inheritdoc/>
    public void Dispose()
    {
        slices?.Dispose();
        sums?.Dispose();
        words.Dispose();
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

    // Rows that all begin at the same place of a page would be in one another's cache sets.
    private bool CopiesSlices => (long)ColumnCount * sizeof(float) % 4096 == 0;

    private void PrepareSlices()
    {
        if (!CopiesSlices)
            return;
        AlignedBuffer.Reserve(ref slices, (long)TokenCount * ColumnCount * sizeof(float));
        // A few thousand elements are copied sooner than another thread is told.
        const long ElementsWorthThreads = 1 << 14;
        int parts = (long)TokenCount * ColumnCount < ElementsWorthThreads ? 1 : Pool.ThreadCount;
        Pool.Run(parts, new SliceWork(this, parts));
    }

    private void FillSlices(int firstToken, int endToken)
    {
        for (int token = firstToken; token < endToken; token++)
        {
            float* row = Rows + (long)token * ColumnCount;
            for (int column = 0; column < ColumnCount; column += SliceDepth)
            {
                int width = SliceWidth(column);
                new ReadOnlySpan<float>(row + column, width).CopyTo(new Span<float>(Slice(column) + (long)token * width, width));
            }
        }
    }

    private readonly struct SliceWork(ProductInput input, int parts) : IParallelWork
    {
        public void Run(int part) =>
            input.FillSlices(WorkerPool.Boundary(input.TokenCount, 1, part, parts), WorkerPool.Boundary(input.TokenCount, 1, part + 1, parts));
    }
}
