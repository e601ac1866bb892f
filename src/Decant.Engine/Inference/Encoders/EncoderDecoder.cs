using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Encoders;

/// <summary>
/// An encoder–decoder ready to run: encode a text, start a session with what came out, and the session writes like a decoder's: token by token, with a
/// cache of its own keys and values beside those of the encoded text. Every decoded text begins with <see cref="EncoderDecoderSpec.DecoderStartId"/>.
/// Calls from several threads take turns.
/// </summary>
public sealed unsafe class EncoderDecoder : IDisposable
{
    private readonly Encoder encoder;
    private readonly Decoder decoder;
    private readonly TensorFormat keyValueFormat;

    private EncoderDecoder(EncoderDecoderSpec spec, Encoder encoder, Decoder decoder, TensorFormat keyValueFormat)
    {
        Spec = spec;
        this.encoder = encoder;
        this.decoder = decoder;
        this.keyValueFormat = keyValueFormat;
    }

    /// <summary>The model as data.</summary>
    public EncoderDecoderSpec Spec { get; }

    /// <summary>The kernel level in use: <c>avx512</c>, <c>avx2</c>, <c>vector128</c> or <c>scalar</c>.</summary>
    public string KernelName => decoder.KernelName;

    /// <summary>Threads in use.</summary>
    public int ThreadCount => decoder.ThreadCount;

    /// <summary>Prepares a model. Checks every tensor's shape, chooses kernels, starts threads.</summary>
    /// <param name="model">The bound model; its source must outlive this.</param>
    /// <param name="options">How to run it, or null for the defaults. An observer sees the encoder's states when a text is encoded, the decoder's when sessions run.</param>
    /// <param name="cancellationToken">Stops loading.</param>
    /// <exception cref="BadFileException">A tensor is missing or has the wrong shape.</exception>
    /// <exception cref="UsageException">An option is out of range, or the processor lacks the kernel asked for.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public static EncoderDecoder Load(EncoderDecoderModel model, DecoderOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        options = (options ?? new DecoderOptions()) with { WarmsUp = false };
        Decoder decoder = Decoder.Load(model.Decoder, options, cancellationToken);
        try
        {
            Encoder encoder = Encoder.Load(
                model.Encoder, options, new KernelSelection(options.Kernel, options.Arithmetic), decoder.Context, ownsContext: false, decoder.Gate, cancellationToken);
            return new EncoderDecoder(model.Spec, encoder, decoder, KvCache.FindFormat(options.KeyValueFormat));
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <summary>Encodes a text.</summary>
    /// <param name="ids">Its tokens, padding included.</param>
    /// <param name="mask">False for padding, which no token sees; empty for none. Padding may stand anywhere.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or a mask of another length or without any token.</exception>
    /// <exception cref="NumericalException">A hidden state is NaN or infinite.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public EncoderOutput Encode(ReadOnlySpan<int> ids, ReadOnlySpan<bool> mask = default, CancellationToken cancellationToken = default) =>
        encoder.Encode(ids, mask, [], cancellationToken);

    /// <summary>Starts an empty text that answers an encoded one: computes what its cross-attention reads. Begin it with <see cref="EncoderDecoderSpec.DecoderStartId"/>.</summary>
    /// <param name="source">The encoded text.</param>
    /// <param name="capacity">The most tokens the answer can grow to.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">The capacity is below 1.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory; the message says how much is needed.</exception>
    public DecoderSession StartSession(EncoderOutput source, int capacity, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        if (source.HiddenSize != Spec.HiddenSize)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"The encoded text has states of {source.HiddenSize} elements; this model's have {Spec.HiddenSize}. Encode it with this model."));
        EncodedSource encoded = Attend(source, cancellationToken);
        try
        {
            return decoder.StartSession(capacity, encoded);
        }
        catch
        {
            encoded.Dispose();
            throw;
        }
    }

    /// <summary>Frees working memory and stops the threads. Sessions can no longer be used.</summary>
    public void Dispose()
    {
        encoder.Dispose();
        decoder.Dispose();
    }

    /// <summary>Computes the keys and values of every block's cross-attention.</summary>
    private EncodedSource Attend(EncoderOutput source, CancellationToken cancellationToken)
    {
        DecoderLayer[] layers = [.. decoder.Layers];
        AttentionSpec[] kinds = [.. layers.Select(layer => layer.Cross!.Spec)];
        var cache = new KvCache(kinds, keyValueFormat, decoder.Context.Instructions, source.Length);
        AlignedBuffer? rows = null, projected = null;
        try
        {
            lock (decoder.Gate)
            {
                decoder.ThrowIfDisposed();
                decoder.Context.CancellationToken = cancellationToken;
                long widest = kinds.Max(kind => (long)kind.KeyValueHeadCount * (kind.HeadSize + kind.ValueSize));
                rows = new AlignedBuffer((long)source.HiddenStates.Length * sizeof(float), "The encoded text", "Use a shorter text.");
                projected = new AlignedBuffer(widest * source.Length * sizeof(float), "Keys and values of the encoded text", "Use a shorter text.");
                source.HiddenStates.CopyTo(new Span<float>(rows.Pointer, source.HiddenStates.Length));
                for (int layer = 0; layer < layers.Length; layer++)
                    Store(layers[layer].Cross!, layer, source.Length, rows.Floats, projected.Floats, cache);
            }
            return new EncodedSource(cache, source.Length, source.Mask.Contains(false) ? [.. source.Mask.ToArray().Select(seen => !seen)] : null);
        }
        catch
        {
            cache.Dispose();
            throw;
        }
        finally
        {
            rows?.Dispose();
            projected?.Dispose();
        }
    }

    private void Store(CrossAttention cross, int layer, int count, float* rows, float* keys, KvCache cache)
    {
        int keyWidth = cross.Spec.KeyValueHeadCount * cross.Spec.HeadSize, valueWidth = cross.Spec.KeyValueHeadCount * cross.Spec.ValueSize;
        float* values = keys + (long)count * keyWidth;
        cross.KeyValue.Multiply(decoder.Context, rows, count, (nint)keys, (nint)values);
        Scratch scratch = decoder.Context.ThreadScratch;
        for (int position = 0; position < count; position++)
            cache.Store(layer, position, keys + (long)position * keyWidth, values + (long)position * valueWidth, scratch);
    }
}
