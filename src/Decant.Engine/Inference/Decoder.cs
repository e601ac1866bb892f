using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference;

/// <summary>
/// A model ready to run: weights that sessions share. They stay where the checkpoint has them (a memory map), or are copied where they are read faster
/// (<see cref="DecoderOptions.Weights"/>); the model's source must live as long as the decoder. Several sessions may be used from several threads; their calls take turns;
/// a <see cref="DecoderBatch"/> runs them together.
/// </summary>
public sealed class Decoder : ILanguageModel
{
    private readonly DecoderWeights weights;
    private readonly TensorFormat keyValueFormat;
    private readonly WeightCopies? copies;
    private readonly ForwardPass pass;
    private readonly WarmUp? warmUp;
    private bool disposed;

    private Decoder(
        DecoderModel model, DecoderWeights weights, DecoderOptions options, KernelSelection kernels, TensorFormat keyValueFormat, WarmUp? warmUp, CancellationToken cancellationToken)
    {
        this.weights = weights;
        this.warmUp = warmUp;
        this.keyValueFormat = keyValueFormat;
        Options = options;
        ForcedKernels = kernels.Forced;
        Context = new ComputeContext(options.ThreadCount, kernels.Level, options.Observer);
        copies = CopyWeights(cancellationToken);
        pass = new ForwardPass(weights, Context);
        Runner = new BatchRunner(pass, options, model);
        MaximumLength = LongestText(weights.Spec);
    }

    /// <summary>The decoder as data.</summary>
    public DecoderSpec Spec => weights.Spec;

    /// <inheritdoc/>
    public int VocabularySize => Spec.VocabularySize;

    /// <summary>The kernel level in use: <c>avx512</c>, <c>avx2</c>, <c>vector128</c> or <c>scalar</c>.</summary>
    public string KernelName => Context.Instructions.Name;

    /// <summary>Kernels forced by name beside the level (<see cref="DecoderOptions.Kernel"/>): for all weights of their formats.</summary>
    public IReadOnlyList<string> ForcedKernels { get; }

    /// <summary>Threads in use.</summary>
    public int ThreadCount => Context.Pool.ThreadCount;

    /// <summary>The most tokens computed at once: <see cref="DecoderOptions.BatchLength"/>.</summary>
    public int BatchLength => Options.BatchLength;

    /// <summary>The longest text the model can take: its context length, or what its learned positions or scaled rotations allow.</summary>
    public int MaximumLength { get; }

    /// <inheritdoc/>
    public WeightWork WeightWork => weights.Work;

    /// <inheritdoc/>
    public long CopiedWeightByteCount => copies?.ByteCount ?? 0;

    /// <summary>False: keys and values are remembered.</summary>
    public bool ComputesWholeText => false;

    /// <summary>The blocks.</summary>
    internal IReadOnlyList<DecoderLayer> Layers => weights.Layers;

    /// <summary>The options it was loaded with.</summary>
    internal DecoderOptions Options { get; }

    /// <summary>Threads and instructions.</summary>
    internal ComputeContext Context { get; }

    /// <summary>Runs calls; used under <see cref="Gate"/>.</summary>
    internal BatchRunner Runner { get; }

    /// <summary>One call at a time.</summary>
    internal Lock Gate { get; } = new();

    /// <summary>Prepares a model. Checks every tensor's shape, chooses kernels, starts threads; see <see cref="DecoderOptions.WarmsUp"/>.</summary>
    /// <param name="model">The bound model; its source must outlive the decoder.</param>
    /// <param name="options">How to run it, or null for the defaults.</param>
    /// <param name="cancellationToken">Stops loading, and the warm-up even afterwards.</param>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    /// <exception cref="UsageException">An option is out of range, or the processor lacks the kernel asked for.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public static Decoder Load(DecoderModel model, DecoderOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new DecoderOptions();
        options.RequireValid();
        cancellationToken.ThrowIfCancellationRequested();
        var kernels = new KernelSelection(options.Kernel, options.Arithmetic);
        TensorFormat keyValueFormat = KvCache.FindFormat(options.KeyValueFormat);
        KvCache.RequireWholeBlocks(model.Spec, keyValueFormat);
        WarmUp? warmUp = options.WarmsUp ? WarmUp.Start(model, options, cancellationToken) : null;
        try
        {
            var weights = new DecoderWeights(model, kernels, cancellationToken);
            if (kernels.Unused is not null)
            {
                weights.Dispose();
                kernels.RequireAllUsed(model.Source.Location);
            }
            return new Decoder(model, weights, options, kernels, keyValueFormat, warmUp, cancellationToken);
        }
        catch
        {
            warmUp?.Dispose();
            throw;
        }
    }

    /// <summary>Starts an empty text.</summary>
    /// <param name="capacity">The most tokens it can grow to; memory for their keys and values is taken now.</param>
    /// <exception cref="UsageException">The model cannot take texts of that length.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory; the message says how much is needed.</exception>
    public DecoderSession StartSession(int capacity) => Spec.Layers.Any(layer => layer.CrossAttention is not null)
        ? throw new UsageException("This decoder reads the outputs of an encoder; encode a text first and start the session with it.")
        : StartSession(capacity, null);

    /// <summary>Starts an empty text whose cross-attention reads a source; the session owns it.</summary>
    internal DecoderSession StartSession(int capacity, EncodedSource? source)
    {
        ObjectDisposedException.ThrowIf(disposed, this);
        if (capacity < 1)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"A context of {capacity} tokens holds nothing; ask for at least 1."));
        if (capacity > MaximumLength)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture, $"The model takes at most {MaximumLength} tokens, {capacity} were asked for. Use a shorter context."));
        }
        // The cache is the larger part: if memory is short, it is its message that helps.
        var cache = new KvCache(Spec, keyValueFormat, Context.Instructions, capacity);
        try
        {
            lock (Gate)
            {
                ThrowIfDisposed();
                pass.ReserveRoom(cache);
            }
            return new DecoderSession(this, cache, source);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
    }

    ILanguageModelSession ILanguageModel.StartSession(int capacity) => StartSession(capacity);

    /// <summary>Frees working memory and stops the threads. Sessions can no longer be used.</summary>
    public void Dispose()
    {
        lock (Gate)
        {
            if (disposed)
                return;
            disposed = true;
            warmUp?.Dispose();
            pass.Dispose();
            Context.Dispose();
            weights.Dispose();
            copies?.Dispose();
        }
    }

    // A constructor that fails leaves nobody to dispose what it took.
    private WeightCopies? CopyWeights(CancellationToken cancellationToken)
    {
        try
        {
            return WeightCopies.Create(weights.Matrices(), Options, Context.Pool, cancellationToken);
        }
        catch
        {
            Context.Dispose();
            weights.Dispose();
            throw;
        }
    }

    /// <summary>Throws if the decoder was disposed.</summary>
    internal void ThrowIfDisposed() => ObjectDisposedException.ThrowIf(disposed, this);

    private static int LongestText(DecoderSpec spec)
    {
        if (spec.Embedding.LearnedPositionCount is { } positions)
            return Math.Min(spec.ContextLength, positions);
        // Biases by distance have a last bucket for all that are longer.
        if (spec.Layers.All(layer => layer.Attention.RelativeBias is not null))
            return int.MaxValue;
        // Dynamic NTK is the one scaling whose checkpoints state the original context as their length.
        double longest = spec.ContextLength;
        foreach (LayerSpec layer in spec.Layers)
        {
            if (layer.Attention.Rope?.Scaling is RopeScaling.DynamicNtk dynamic)
                longest = Math.Max(longest, dynamic.Factor * dynamic.OriginalContext);
        }
        return (int)Math.Min(longest, int.MaxValue);
    }
}
