using Decant.Core.Architectures;
using Decant.Core.Formats;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Rows;

namespace Decant.Engine.Inference;

/// <summary>
/// Attention of the queries of one or several texts over their cached keys and values in one layer: one job for all. How a text is computed
/// depends on its own rows only, not on the number of threads.
/// <para>
/// Query heads that share a key-value head are computed together, so that a key is read once for all of them: the columns of a unit are pairs of
/// a token and a head of the group, token by token. A single token goes along the keys as they are stored; several go through tiles of keys with a running softmax
/// (Dao et al. 2022), queries as columns, so that the tiles are products of the same kind as those of the weights. Long ranges of keys are cut into
/// pieces, which threads share; whoever finishes the last piece joins them (Dao et al. 2023, flash-decoding).
/// </para>
/// </summary>
internal sealed unsafe class Attention(ComputeContext context) : IDisposable
{
    // Fewer multiplications are done sooner than another thread is told; a part of a job has at least the second number.
    private const long LeastSharedWork = 1 << 15;
    private const long LeastPart = 1 << 18;

    private const long SmallestPartials = 1 << 16;

    /// <summary>
    /// What maxima begin with. Finite, so that a column that sees no key of a tile, or none at all, subtracts nothing undefined; hidden scores are −∞.
    /// </summary>
    internal const float LeastMaximum = -1e30f;

    private readonly ComputeContext context = context;
    private readonly RowProducts partialProducts = RowProductsList.Choose(TensorFormats.F32, context.Instructions);
    private readonly AttentionPlan plan = new();
    private AlignedBuffer? partials;
    private int[] unfinishedPieces = [];
    private List<Segment> segments = [];
    private AttentionSpec spec = null!;
    private int layer;
    private ScoreBias? bias;
    private AlibiBias? alibi;
    private float* queries;
    private float* outputs;

    private FloatArithmetic Arithmetic => context.Arithmetic;

    private int GroupSize => spec.HeadCount / spec.KeyValueHeadCount;

    /// <summary>Computes the outputs of all heads.</summary>
    /// <param name="attention">The kind of attention.</param>
    /// <param name="layerIndex">Which layer of the caches.</param>
    /// <param name="texts">The texts; their keys and values are stored.</param>
    /// <param name="queryRows">[rows, heads, head size], rotated.</param>
    /// <param name="outputRows">[rows, heads, value size].</param>
    /// <param name="learnedBias">What is added to scores beside what the kind of attention says, or null.</param>
    /// <exception cref="OperationCanceledException">The call was cancelled; the outputs are then unfinished.</exception>
    public void Run(AttentionSpec attention, int layerIndex, List<Segment> texts, float* queryRows, float* outputRows, ScoreBias? learnedBias = null)
    {
        spec = attention;
        layer = layerIndex;
        segments = texts;
        queries = queryRows;
        outputs = outputRows;
        if (attention.Alibi is { } form && !(alibi?.Is(form, attention.HeadCount) ?? false))
            alibi = new AlibiBias(form, attention.HeadCount);
        bias = attention.Alibi is not null ? alibi : learnedBias;
        plan.Make(attention, texts, Arithmetic.PanelWidth);
        ReservePartials();
        long work = plan.Cost * (spec.HeadSize + spec.ValueSize);
        int parts = context.Pool.PartCount(work, LeastSharedWork, LeastPart);
        context.Pool.Run(parts, new Work(this, parts));
        context.CancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>Makes room for a text that grows token by token up to the capacity of its cache: then no token asks for memory.</summary>
    /// <param name="attention">The kind of attention.</param>
    /// <param name="cache">The text's cache.</param>
    public void Reserve(AttentionSpec attention, KvCache cache)
    {
        spec = attention;
        // The last token has the most pieces, or the last one whose pieces are short.
        foreach (int length in (ReadOnlySpan<int>)[Math.Min(cache.Capacity, AttentionPlan.FewestKeysForWholeBlocks), cache.Capacity])
        {
            plan.Make(attention, [new Segment(cache, length - 1, 0, 1, length, 0, null)], Arithmetic.PanelWidth);
            ReservePartials();
        }
        context.ReserveScratch((long)Math.Min(cache.Capacity, AttentionPlan.TokenPieceLength) * GroupSize);
    }

    /// <inheritdoc/>
    public void Dispose() => partials?.Dispose();

    private void ReservePartials()
    {
        ReadOnlySpan<AttentionGroup> groups = plan.Groups;
        if (unfinishedPieces.Length < groups.Length)
            unfinishedPieces = new int[groups.Length];
        for (int i = 0; i < groups.Length; i++)
            unfinishedPieces[i] = groups[i].PieceCount;
        long byteCount = plan.PartialRowCount * (spec.ValueSize + 2) * sizeof(float);
        // Twice what is needed, so that a text that grows token by token asks a few times only.
        if (partials is null || partials.ByteCount < byteCount)
            AlignedBuffer.Reserve(ref partials, Math.Max(SmallestPartials, 2 * byteCount));
    }

    /// <summary>The result of a column in a piece, not yet divided by its sum; the pieces of a column lie one after another.</summary>
    private float* PartialRow(in AttentionUnit unit, int column) =>
        partials!.Floats + (plan.Groups[unit.Group].FirstPartialRow + (long)column * plan.Groups[unit.Group].PieceCount + unit.Piece) * spec.ValueSize;

    /// <summary>The maximum of a column in a piece; those of all columns lie behind the rows, and behind them the sums.</summary>
    private float* PartialMaximum(in AttentionUnit unit, int column) => partials!.Floats + plan.PartialRowCount * spec.ValueSize
        + plan.Groups[unit.Group].FirstPartialRow + (long)column * plan.Groups[unit.Group].PieceCount + unit.Piece;

    private float* PartialSum(in AttentionUnit unit, int column) => PartialMaximum(unit, column) + plan.PartialRowCount;

    /// <summary>The query of a column; those of a token's group lie one after another.</summary>
    internal float* Query(in AttentionUnit unit, int column) => queries + Row(unit, column) * spec.HeadSize;

    /// <summary>True if something is added to scores.</summary>
    internal bool HasBias => bias is not null;

    /// <summary>Adds what is added to the scores of a column.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="column">The column.</param>
    /// <param name="scores">The score of the first key.</param>
    /// <param name="stride">Elements between the scores of one key and the next.</param>
    /// <param name="firstKey">The first key.</param>
    /// <param name="count">Keys.</param>
    internal void AddBias(in AttentionUnit unit, int column, float* scores, long stride, int firstKey, int count)
    {
        (int token, int head) = Math.DivRem(unit.FirstColumn + column, GroupSize);
        bias!.AddTo(scores, stride, count, unit.KeyHead * GroupSize + head, firstKey, segments[unit.Segment].FirstPosition + token);
    }

    private float* Output(in AttentionUnit unit, int column) => outputs + Row(unit, column) * spec.ValueSize;

    private long Row(in AttentionUnit unit, int column)
    {
        (int token, int head) = Math.DivRem(unit.FirstColumn + column, GroupSize);
        return ((long)segments[unit.Segment].FirstRow + token) * spec.HeadCount + unit.KeyHead * GroupSize + head;
    }

    /// <summary>A query that sees no key has a sum of zero, and the result zero.</summary>
    private static float Inverse(float sum) => sum > 0 ? 1 / sum : sum == 0 ? 0 : float.NaN;

    private static void Hide(ReadOnlySpan<bool> hidden, float* scores, int columns)
    {
        for (int i = 0; i < hidden.Length; i++)
        {
            for (int column = 0; column < columns && hidden[i]; column++)
                scores[(long)column * hidden.Length + i] = float.NegativeInfinity;
        }
    }

    private void RunUnit(in AttentionUnit unit)
    {
        Scratch scratch = context.ThreadScratch;
        if (unit.IsTiled)
            new AttentionTiles(context, spec, segments[unit.Segment], layer).Run(unit, this, scratch);
        else
            RunToken(unit, scratch);
    }

    /// <summary>The queries of one token that share a key-value head; the keys of a unit lie together.</summary>
    private void RunToken(in AttentionUnit unit, Scratch scratch)
    {
        // Keys of a unit are multiplied, then values: so many at a time that a row, which several groups of queries may read, is still in the first-level cache.
        const int Run = 64;
        KvCache cache = segments[unit.Segment].Cache;
        int count = unit.KeyCount;
        int columns = unit.ColumnCount;
        float* scores = scratch.Floats((long)count * columns);
        float* query = Query(unit, 0);
        long keyByteCount = cache.KeyByteCount(layer);
        byte* keys = cache.Keys(layer, unit.KeyHead, unit.FirstKey);
        for (int i = 0; i < count; i += Run)
            cache.Products.Scores(query, columns, keys + i * keyByteCount, keyByteCount, Math.Min(Run, count - i), spec.HeadSize, spec.Scale, scores + i, count);
        if (spec.SoftCap is { } cap)
            Arithmetic.SoftCap(scores, cap, count * columns);
        for (int column = 0; column < columns && HasBias; column++)
            AddBias(unit, column, scores + (long)column * count, 1, unit.FirstKey, count);
        if (segments[unit.Segment].HiddenKeys is { } hidden)
            Hide(hidden.AsSpan(unit.FirstKey, count), scores, columns);

        bool isWhole = unit.Group < 0;
        float* results = isWhole ? Output(unit, 0) : PartialRow(unit, 0);
        long stride = isWhole ? spec.ValueSize : PartialRow(unit, 1) - results;
        float* sums = stackalloc float[columns];
        for (int column = 0; column < columns; column++)
        {
            float* own = scores + (long)column * count;
            float maximum = MathF.Max(Arithmetic.Largest(own, count), LeastMaximum);
            sums[column] = Arithmetic.ExponentialSum(own, maximum, count);
            new Span<float>(results + column * stride, spec.ValueSize).Clear();
            if (!isWhole)
            {
                *PartialMaximum(unit, column) = maximum;
                *PartialSum(unit, column) = sums[column];
            }
        }
        long valueByteCount = cache.ValueByteCount(layer);
        byte* values = cache.Values(layer, unit.KeyHead, unit.FirstKey);
        for (int i = 0; i < count; i += Run)
            cache.Products.AddWeighted(scores + i, count, columns, values + i * valueByteCount, valueByteCount, Math.Min(Run, count - i), spec.ValueSize, results, stride);
        if (isWhole)
        {
            for (int column = 0; column < columns; column++)
                Arithmetic.Scale(results + column * stride, Inverse(sums[column]), spec.ValueSize);
            return;
        }
        FinishPiece(unit);
    }

    /// <summary>Takes the finished columns of tiles: where their rows go, or into the piece.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="results">[columns, value size], not yet divided by the sums.</param>
    /// <param name="maxima">[columns].</param>
    /// <param name="sums">[columns].</param>
    internal void FinishTiles(in AttentionUnit unit, float* results, float* maxima, float* sums)
    {
        for (int column = 0; column < unit.ColumnCount; column++)
        {
            float* row = results + (long)column * spec.ValueSize;
            if (unit.Group < 0)
                Arithmetic.Scale(row, Inverse(sums[column]), spec.ValueSize);
            new ReadOnlySpan<float>(row, spec.ValueSize).CopyTo(new Span<float>(unit.Group < 0 ? Output(unit, column) : PartialRow(unit, column), spec.ValueSize));
            if (unit.Group >= 0)
            {
                *PartialMaximum(unit, column) = maxima[column];
                *PartialSum(unit, column) = sums[column];
            }
        }
        if (unit.Group >= 0)
            FinishPiece(unit);
    }

    /// <summary>Joins the pieces of a group of columns if this was the last to be finished: their sum, each weighted by how far its maximum lies below the largest.</summary>
    private void FinishPiece(in AttentionUnit unit)
    {
        if (Interlocked.Decrement(ref unfinishedPieces[unit.Group]) != 0)
            return;
        int pieces = plan.Groups[unit.Group].PieceCount;
        AttentionUnit first = unit with { Piece = 0 };
        for (int column = 0; column < unit.ColumnCount; column++)
        {
            float* weights = PartialMaximum(first, column);
            Arithmetic.ExponentialSum(weights, Arithmetic.Largest(weights, pieces), pieces);
            Arithmetic.Scale(weights, Inverse(Arithmetic.Dot(weights, PartialSum(first, column), pieces)), pieces);
            float* output = Output(unit, column);
            new Span<float>(output, spec.ValueSize).Clear();
            partialProducts.AddWeighted(
                weights, pieces, 1, (byte*)PartialRow(first, column), spec.ValueSize * sizeof(float), pieces, spec.ValueSize, output, spec.ValueSize);
        }
    }

    private readonly struct Work(Attention attention, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            foreach (ref readonly AttentionUnit unit in attention.plan.UnitsOf(part, parts))
            {
                if (attention.context.CancellationToken.IsCancellationRequested)
                    return;
                attention.RunUnit(unit);
            }
        }
    }
}
