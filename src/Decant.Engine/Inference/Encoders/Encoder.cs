using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Encoders;

/// <summary>
/// An encoder ready to run: texts in, a hidden state for every token out, and from those logits of tokens or classes where the checkpoint has such a head.
/// Weights stay where the checkpoint has them, or are copied (<see cref="DecoderOptions.Weights"/>); the model's source must live as long as the encoder.
/// Calls from several threads take turns.
/// </summary>
public sealed unsafe class Encoder : IDisposable
{
    // Logits of this many positions are computed at a time.
    private const int LogitsTileLength = 64;

    private readonly EncoderModel model;
    private readonly EncoderWeights weights;
    private readonly ComputeContext context;
    private readonly bool ownsContext;
    private readonly WeightCopies? copies;
    private readonly EncoderPass pass;
    private readonly LogitsTile logits = new();
    private readonly LogitsTile room = new();
    private readonly Lock gate;
    private bool disposed;

    private Encoder(EncoderModel model, EncoderWeights weights, ComputeContext context, bool ownsContext, Lock gate, WeightCopies? copies)
    {
        this.model = model;
        this.weights = weights;
        this.context = context;
        this.ownsContext = ownsContext;
        this.gate = gate;
        this.copies = copies;
        pass = new EncoderPass(weights, context);
    }

    /// <summary>The encoder as data.</summary>
    public EncoderSpec Spec => weights.Spec;

    /// <summary>The kernel level in use: <c>avx512</c>, <c>avx2</c>, <c>vector128</c> or <c>scalar</c>.</summary>
    public string KernelName => context.Instructions.Name;

    /// <summary>Threads in use.</summary>
    public int ThreadCount => context.Pool.ThreadCount;

    /// <summary>The longest text: what the table of positions allows; without one the memory is the limit.</summary>
    public int MaximumLength => Spec.Embedding.LearnedPositionCount ?? int.MaxValue;

    /// <summary>Prepares a model. Checks every tensor's shape, chooses kernels, starts threads.</summary>
    /// <param name="model">The bound model; its source must outlive the encoder.</param>
    /// <param name="options">
    /// How to run it, or null for the defaults. Key-value formats and batch lengths mean nothing to an encoder, which runs a text at once.
    /// </param>
    /// <param name="cancellationToken">Stops loading.</param>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    /// <exception cref="UsageException">An option is out of range, or the processor lacks the kernel asked for.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public static Encoder Load(EncoderModel model, DecoderOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options ??= new DecoderOptions();
        options.RequireValid();
        var kernels = new KernelSelection(options.Kernel, options.Arithmetic);
        var context = new ComputeContext(options.ThreadCount, kernels.Level, options.Observer);
        try
        {
            Encoder encoder = Load(model, options, kernels, context, ownsContext: true, new Lock(), cancellationToken);
            try
            {
                kernels.RequireAllUsed(model.Source.Location);
                return encoder;
            }
            catch
            {
                encoder.Dispose();
                throw;
            }
        }
        catch
        {
            context.Dispose();
            throw;
        }
    }

    /// <summary>Runs a text.</summary>
    /// <param name="ids">Its tokens, padding included.</param>
    /// <param name="mask">False for padding, which no token sees; empty for none. Padding may stand anywhere.</param>
    /// <param name="types">The type of each token (which of two texts it belongs to); empty if all are 0.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">No tokens, more than the model takes, an id or type outside its table, or a mask of another length or without any token.</exception>
    /// <exception cref="NumericalException">A hidden state is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public EncoderOutput Encode(
        ReadOnlySpan<int> ids, ReadOnlySpan<bool> mask = default, ReadOnlySpan<int> types = default, CancellationToken cancellationToken = default)
    {
        Check(ids, mask, types);
        // The first token makes the vector of a text that is classified, as in the reference, even if it is padding.
        bool needsFirst = Spec.ClassCount is not null && !Spec.ClassifiesTokens && Spec.Pooler is null or { Pooling: Pooling.First };
        int first = mask.IsEmpty || needsFirst ? 0 : mask.IndexOf(true), count = (mask.IsEmpty ? ids.Length : mask.LastIndexOf(true) + 1) - first;
        bool[]? hidden = mask.IsEmpty || !mask.Slice(first, count).Contains(false) ? null : [.. mask.Slice(first, count).ToArray().Select(seen => !seen)];
        int[] positions = Spec.Embedding.LearnedPositionCount is null ? [] : Positions(ids);
        int size = Spec.HiddenSize;
        var states = new float[checked(ids.Length * size)];
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            pass.Run(
                ids.Slice(first, count), positions.Length == 0 ? [] : positions.AsSpan(first, count), types.IsEmpty ? [] : types.Slice(first, count), hidden, cancellationToken);
            for (int i = 0; i < count; i++)
            {
                if (hidden is null || !hidden[i] || (i == 0 && needsFirst))
                    new ReadOnlySpan<float>(pass.Rows + (long)i * size, size).CopyTo(states.AsSpan((first + i) * size));
            }
        }
        RequireFinite(states, size, "hidden state", cancellationToken);
        return new EncoderOutput(size, states, mask.IsEmpty ? [.. Enumerable.Repeat(true, ids.Length)] : mask.ToArray());
    }

    /// <summary>Shows the logits of tokens at some positions: which token stood there (masked language modelling).</summary>
    /// <param name="output">What <see cref="Encode"/> returned.</param>
    /// <param name="positions">The positions, in any order; empty for all.</param>
    /// <param name="visit">Called on this thread, in the order asked for.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">The checkpoint has no such head.</exception>
    /// <exception cref="NumericalException">A logit is NaN or infinite.</exception>
    public void ScoreTokens(EncoderOutput output, ReadOnlySpan<int> positions, LogitsVisitor visit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(visit);
        if (Spec.TokenHead is not { } head)
            throw new UsageException($"The checkpoint {model.Source.Location} has no head for tokens (masked language modelling): it gives hidden states only.");
        int[] wanted = positions.IsEmpty ? [.. Enumerable.Range(0, output.Length)] : positions.ToArray();
        int width = Spec.Embedding.Width ?? Spec.HiddenSize;
        for (int done = 0; done < wanted.Length; done += LogitsTileLength)
        {
            int count = Math.Min(LogitsTileLength, wanted.Length - done);
            var values = new float[checked(count * Spec.VocabularySize)];
            lock (gate)
            {
                ObjectDisposedException.ThrowIf(disposed, this);
                context.CancellationToken = cancellationToken;
                float* rows = room.Reserve((long)count * (Spec.HiddenSize + width));
                float* transformed = rows + (long)count * Spec.HiddenSize;
                for (int i = 0; i < count; i++)
                    output.At(wanted[done + i]).CopyTo(new Span<float>(rows + (long)i * Spec.HiddenSize, Spec.HiddenSize));
                weights.HeadTransform!.Multiply(context, rows, count, (nint)transformed);
                context.Arithmetic.Activate(head.Activation, transformed, null, count * width);
                weights.HeadNorm!.Apply(context, transformed, transformed, count);
                float* results = logits.Reserve(values.LongLength);
                weights.Head!.Multiply(context, transformed, count, (nint)results);
                new ReadOnlySpan<float>(results, values.Length).CopyTo(values);
            }
            RequireFinite(values, Spec.VocabularySize, "logit", cancellationToken);
            for (int i = 0; i < count; i++)
                visit(wanted[done + i], values.AsSpan(i * Spec.VocabularySize, Spec.VocabularySize));
        }
    }

    /// <summary>The logits of a text's classes [classes].</summary>
    /// <param name="output">What <see cref="Encode"/> returned.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">The checkpoint has no such head.</exception>
    /// <exception cref="NumericalException">A logit is NaN or infinite.</exception>
    public float[] ScoreClasses(EncoderOutput output, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        RequireClasses(ofTokens: false);
        return Classify(output.Pool(Spec.Pooler?.Pooling ?? Pooling.First), cancellationToken);
    }

    /// <summary>Shows the logits of every token's classes [classes]: where <see cref="EncoderSpec.ClassifiesTokens"/>.</summary>
    /// <param name="output">What <see cref="Encode"/> returned.</param>
    /// <param name="visit">Called on this thread with every position in order; those of padding mean nothing.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">The checkpoint has no such head.</exception>
    /// <exception cref="NumericalException">A logit is NaN or infinite.</exception>
    public void ScoreTokenClasses(EncoderOutput output, LogitsVisitor visit, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(visit);
        RequireClasses(ofTokens: true);
        for (int position = 0; position < output.Length; position++)
            visit(position, Classify(output.At(position), cancellationToken));
    }

    private void RequireClasses(bool ofTokens)
    {
        if (weights.Classifier is null || Spec.ClassifiesTokens != ofTokens)
        {
            string has = weights.Classifier is null ? "it gives hidden states only" : ofTokens ? "its classes are those of the text" : "its classes are those of tokens";
            throw new UsageException($"The checkpoint {model.Source.Location} has no head for classes{(ofTokens ? " of tokens" : "")}: {has}.");
        }
    }

    /// <summary>The logits of classes of one vector.</summary>
    private float[] Classify(ReadOnlySpan<float> input, CancellationToken cancellationToken)
    {
        int size = Spec.HiddenSize;
        var values = new float[Spec.ClassCount!.Value];
        lock (gate)
        {
            ObjectDisposedException.ThrowIf(disposed, this);
            context.CancellationToken = cancellationToken;
            float* vector = room.Reserve(2L * size + values.Length);
            float* results = vector + 2L * size;
            input.CopyTo(new Span<float>(vector, size));
            if (Spec.Pooler is { } pooler)
            {
                weights.Pooler!.Multiply(context, vector, 1, (nint)(vector + size));
                vector += size;
                context.Arithmetic.Activate(pooler.Activation, vector, null, size);
                weights.PoolerNorm?.Apply(context, vector, vector, 1);
            }
            weights.Classifier!.Multiply(context, vector, 1, (nint)results);
            new ReadOnlySpan<float>(results, values.Length).CopyTo(values);
        }
        RequireFinite(values, values.Length, "logit", cancellationToken);
        return values;
    }

    /// <summary>Frees working memory and stops the threads.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (disposed)
                return;
            disposed = true;
            pass.Dispose();
            logits.Dispose();
            room.Dispose();
            if (ownsContext)
                context.Dispose();
            weights.Dispose();
            copies?.Dispose();
        }
    }

    /// <summary>Loads an encoder that shares threads with others.</summary>
    internal static Encoder Load(
        EncoderModel model, DecoderOptions options, KernelSelection kernels, ComputeContext context, bool ownsContext, Lock gate, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var weights = new EncoderWeights(model, kernels, cancellationToken);
        try
        {
            return new Encoder(model, weights, context, ownsContext, gate, WeightCopies.Create(weights.Matrices(), options, context.Pool, cancellationToken));
        }
        catch
        {
            weights.Dispose();
            throw;
        }
    }

    private int[] Positions(ReadOnlySpan<int> ids)
    {
        int offset = Spec.Embedding.LearnedPositionOffset, counted = 0;
        var positions = new int[ids.Length];
        for (int i = 0; i < ids.Length; i++)
        {
            bool isPadding = ids[i] == Spec.Embedding.PaddingId;
            positions[i] = isPadding ? Math.Max(0, offset - 1) : offset + counted++;
        }
        return positions;
    }

    private void Check(ReadOnlySpan<int> ids, ReadOnlySpan<bool> mask, ReadOnlySpan<int> types)
    {
        if (ids.IsEmpty)
            throw new UsageException("There are no tokens to encode.");
        if (!mask.IsEmpty && mask.Length != ids.Length)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The mask has {mask.Length} entries for {ids.Length} tokens."));
        if (!mask.IsEmpty && !mask.Contains(true))
            throw new UsageException("The mask hides every token.");
        if (!types.IsEmpty && types.Length != ids.Length)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"There are {types.Length} token types for {ids.Length} tokens."));
        if (ids.Length > MaximumLength)
        {
            throw new UsageException(string.Create(
                CultureInfo.InvariantCulture, $"The model takes at most {MaximumLength} tokens, {ids.Length} were given. Cut the text into pieces."));
        }
        for (int i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)Spec.VocabularySize)
            {
                throw new UsageException(string.Create(
                    CultureInfo.InvariantCulture, $"Token {i} is {ids[i]}; the model's vocabulary has ids 0 to {Spec.VocabularySize - 1}. Does the tokenizer belong to this model?"));
            }
        }
        int typeCount = Math.Max(1, Spec.Embedding.TokenTypeCount);
        for (int i = 0; i < types.Length; i++)
        {
            if ((uint)types[i] >= (uint)typeCount)
                throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The type of token {i} is {types[i]}; the model knows types 0 to {typeCount - 1}."));
        }
    }

    private void RequireFinite(float[] rows, int length, string what, CancellationToken cancellationToken)
    {
        int bad = RowCheck.FirstNonFinite(rows);
        if (bad < 0)
            return;
        string message = string.Create(
            CultureInfo.InvariantCulture, $"Position {bad / length}: element {bad % length} of the {what} is {rows[bad]}: the model's weights are damaged, or its activations overflowed.");
        throw new NumericalException(DamagedWeights.Find(model, cancellationToken) is { } damage ? $"{message} {damage}" : message);
    }
}
