using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference.Reversible;

/// <summary>
/// A reversible transformer ready to run: an interpreter of <see cref="ReformerSpec"/>. A text is computed as a whole, because a token more may move others into
/// other chunks; sessions keep the text alone. Of the options, <see cref="DecoderOptions.BatchLength"/>, <see cref="DecoderOptions.KeyValueFormat"/> and
/// <see cref="DecoderOptions.WarmsUp"/> have no meaning here. The observer sees the second stream in front of each block and behind the last. Not for use by two
/// threads at once; the model's source must live as long.
/// </summary>
public sealed unsafe class ReversibleTransformer : ILanguageModel
{
    private const int Line = AlignedBuffer.Alignment / sizeof(float);

    private readonly Model<ReformerSpec> model;
    private readonly ReversibleWeights weights;
    private readonly ComputeContext context;
    private readonly WeightCopies? copies;
    private readonly ReversibleAttention attention;
    private readonly LogitsTile logits = new();
    private AlignedBuffer? buffer;
    private bool disposed;

    private ReversibleTransformer(
        Model<ReformerSpec> model, ReversibleWeights weights, DecoderOptions options, KernelSelection kernels, IHashRotations rotations, CancellationToken cancellationToken)
    {
        this.model = model;
        this.weights = weights;
        ForcedKernels = kernels.Forced;
        context = new ComputeContext(options.ThreadCount, kernels.Level, options.Observer);
        try
        {
            copies = WeightCopies.Create(weights.Matrices(), options, context.Pool, cancellationToken);
        }
        catch
        {
            // A constructor that fails leaves nobody to dispose what it took.
            context.Dispose();
            throw;
        }
        attention = new ReversibleAttention(context, model.Spec, rotations);
    }

    /// <summary>The model as data.</summary>
    public ReformerSpec Spec => weights.Spec;

    /// <inheritdoc/>
    public int VocabularySize => Spec.VocabularySize;

    /// <summary>A whole text: <see cref="MaximumLength"/>.</summary>
    public int BatchLength => MaximumLength;

    /// <summary>The kernel level in use: <c>avx512</c>, <c>avx2</c>, <c>vector128</c> or <c>scalar</c>.</summary>
    public string KernelName => context.Instructions.Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> ForcedKernels { get; }

    /// <inheritdoc/>
    public int ThreadCount => context.Pool.ThreadCount;

    /// <inheritdoc/>
    public WeightWork WeightWork => weights.Work;

    /// <inheritdoc/>
    public long CopiedWeightByteCount => copies?.ByteCount ?? 0;

    /// <summary>True: see <see cref="ReversibleSession"/>.</summary>
    public bool ComputesWholeText => true;

    /// <summary>The longest text it takes.</summary>
    public int MaximumLength => Spec.PositionCount;

    /// <summary>Prepares a model. Checks every tensor's shape, chooses kernels, starts threads.</summary>
    /// <param name="model">The bound model; its source must outlive the transformer.</param>
    /// <param name="options">How to run it, or null for the defaults.</param>
    /// <param name="rotations">Where the rotations of hashed attention come from; null for <see cref="SeededRotations"/>.</param>
    /// <param name="cancellationToken">Stops loading.</param>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    /// <exception cref="UsageException">An option is out of range, or the processor lacks the kernel asked for.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public static ReversibleTransformer Load(
        Model<ReformerSpec> model, DecoderOptions? options = null, IHashRotations? rotations = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new DecoderOptions();
        options.RequireValid();
        cancellationToken.ThrowIfCancellationRequested();
        var kernels = new KernelSelection(options.Kernel, options.Arithmetic);
        var weights = new ReversibleWeights(model, kernels, cancellationToken);
        try
        {
            kernels.RequireAllUsed(model.Source.Location);
            return new ReversibleTransformer(model, weights, options, kernels, rotations ?? new SeededRotations(), cancellationToken);
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Computes a text and shows the logits at each of its positions from <paramref name="firstPosition"/> on, in order.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="firstPosition">The first index within <paramref name="ids"/> whose logits are wanted.</param>
    /// <param name="visit">Called on this thread; the logits at position p are those of the token after ids[p].</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than the model takes.</exception>
    /// <exception cref="NumericalException">A logit is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(visit);
        ArgumentOutOfRangeException.ThrowIfNegative(firstPosition);
        ObjectDisposedException.ThrowIf(disposed, this);
        TokenIds.RequireSome(ids);
        TokenIds.RequireKnown(ids, Spec.VocabularySize);
        if (ids.Length > MaximumLength)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The model takes at most {MaximumLength} tokens, {ids.Length} were given. Use a shorter text."));
        context.CancellationToken = cancellationToken;
        try
        {
            float* streams = Run(ids, cancellationToken);
            ShowLogits(streams, Math.Min(firstPosition, ids.Length), ids.Length, visit, cancellationToken);
        }
        catch (NumericalException error)
        {
            throw DamagedWeights.Find(model, cancellationToken) is { } damage ? new NumericalException($"{error.Message} {damage}", error) : error;
        }
    }

    /// <summary>Starts an empty text.</summary>
    /// <param name="capacity">The most tokens it can grow to.</param>
    /// <exception cref="UsageException">The model cannot take texts of that length.</exception>
    public ReversibleSession StartSession(int capacity)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (capacity < 1 || capacity > MaximumLength)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The model takes 1 to {MaximumLength} tokens, {capacity} were asked for."));
        return new ReversibleSession(this, capacity);
    }

    ILanguageModelSession ILanguageModel.StartSession(int capacity) => StartSession(capacity);

    /// <summary>Frees working memory and stops the threads.</summary>
    public void Dispose()
    {
        if (disposed)
            return;
        disposed = true;
        attention.Dispose();
        buffer?.Dispose();
        logits.Dispose();
        context.Dispose();
        weights.Dispose();
        copies?.Dispose();
    }

    /// <summary>Positions that a text is padded to: whole chunks of every kind, unless it is no longer than the shortest chunk.</summary>
    private int PaddedLength(int length)
    {
        long[] chunks = [.. Spec.Layers.Select(layer => (long)layer.Attention.ChunkLength).Distinct()];
        if (length <= chunks.Min())
            return length;
        // Beyond the memory of any text; the chunks then are too long to be met.
        long multiple = chunks.Aggregate((a, b) => Math.Min(int.MaxValue, a / (long)System.Numerics.BigInteger.GreatestCommonDivisor(a, b) * b));
        long padded = (length + multiple - 1) / multiple * multiple;
        return padded <= 1 << 30
            ? (int)padded
            : throw new LimitNotMetException(string.Create(CultureInfo.InvariantCulture, $"Chunks of {string.Join(" and ", chunks)} positions would pad the text to {padded}: more than can be computed."));
    }

    /// <summary>Runs all blocks and returns the normalised streams side by side.</summary>
    private float* Run(ReadOnlySpan<int> ids, CancellationToken cancellationToken)
    {
        int hidden = Spec.HiddenSize, count = PaddedLength(ids.Length);
        int heads = Spec.Layers.Max(layer => layer.Attention.HeadCount * layer.Attention.HeadSize), width = Spec.Layers.Max(layer => layer.FeedForward.Width);
        long rows = ((long)count * hidden + Line - 1) / Line * Line, headRows = ((long)count * heads + Line - 1) / Line * Line;
        float* first = (float*)AlignedBuffer.Reserve(
            ref buffer, (6 * rows + Math.Max(4 * headRows, (long)count * width)) * sizeof(float), $"Working memory for {count} tokens", "Use a shorter text.");
        float* second = first + rows, normed = second + rows, branch = normed + rows, joined = branch + rows, room = joined + 2 * rows;
        new Span<float>(second, checked(count * hidden)).Clear();
        context.ObservedRowCount = ids.Length;
        for (int i = 0; i < ids.Length; i++)
            weights.Embed(context, ids[i], i, second + (long)i * hidden, normed);
        // Padding is seen by nobody: its content does not matter.
        new ReadOnlySpan<float>(second, count * hidden).CopyTo(new Span<float>(first, count * hidden));
        int hashedCount = 0;
        for (int index = 0; index < weights.Layers.Length; index++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Observe(index, second, ids.Length);
            ReversibleLayer layer = weights.Layers[index];
            ChunkedAttentionSpec spec = layer.Spec.Attention;
            bool hashed = spec is HashedAttentionSpec;
            float* queries = room, values = queries + headRows, keys = values + headRows, attended = keys + headRows;
            layer.AttentionNorm.Apply(context, second, normed, count);
            if (hashed)
                layer.Projections.Multiply(context, normed, count, (nint)queries, (nint)values);
            else
                layer.Projections.Multiply(context, normed, count, (nint)queries, (nint)values, (nint)keys);
            attention.Run(spec, hashed ? hashedCount++ : 0, queries, hashed ? null : keys, values, count, ids.Length, attended);
            cancellationToken.ThrowIfCancellationRequested();
            layer.Output.Multiply(context, attended, count, (nint)branch);
            context.Arithmetic.AddScaled(first, branch, 1, count * hidden);

            layer.FeedForwardNorm.Apply(context, first, normed, count);
            layer.FeedForward.Inner.Multiply(context, normed, count, (nint)room);
            context.Arithmetic.Activate(layer.Spec.FeedForward.Activation, room, null, checked(count * layer.FeedForward.Width));
            layer.FeedForward.Down.Multiply(context, room, count, (nint)branch);
            context.Arithmetic.AddScaled(second, branch, 1, count * hidden);
        }
        Observe(weights.Layers.Length, second, ids.Length);
        for (int i = 0; i < ids.Length; i++)
        {
            new ReadOnlySpan<float>(first + (long)i * hidden, hidden).CopyTo(new Span<float>(joined + 2L * i * hidden, hidden));
            new ReadOnlySpan<float>(second + (long)i * hidden, hidden).CopyTo(new Span<float>(joined + (2L * i + 1) * hidden, hidden));
        }
        weights.FinalNorm.Apply(context, joined, joined, ids.Length);
        return joined;
    }

    private void Observe(int index, float* rows, int count) =>
        context.Observer?.HiddenState(index, new ReadOnlySpan<float>(rows, checked(count * Spec.HiddenSize)), count);

    private void ShowLogits(float* rows, int begin, int end, LogitsVisitor visit, CancellationToken cancellationToken)
    {
        int vocabulary = Spec.VocabularySize;
        int tiles = LogitsTile.Count(end - begin, vocabulary);
        for (int tile = 0; tile < tiles; tile++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int first = begin + WorkerPool.Boundary(end - begin, 1, tile, tiles);
            int count = begin + WorkerPool.Boundary(end - begin, 1, tile + 1, tiles) - first;
            float* values = logits.Reserve((long)count * vocabulary);
            weights.Head.Multiply(context, rows + 2L * first * Spec.HiddenSize, count, (nint)values);
            for (int row = 0; row < count; row++)
            {
                var own = new ReadOnlySpan<float>(values + (long)row * vocabulary, vocabulary);
                LogitsTile.RequireFinite(own, "the text", 0, first + row);
                visit(first + row, own);
            }
        }
    }
}
