using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Encoding;
using Decant.Engine.Kernels.Rows;

namespace Decant.Engine.Inference;

/// <summary>
/// Keys and values of the tokens seen so far. Per layer and key-value head: <c>capacity</c> rows of keys, then as many of values, so that the
/// rows one head reads lie together. Keys are stored after their rotation.
/// </summary>
internal sealed unsafe class KvCache : IDisposable
{
    // Whoever multiplies rows in tiles may read, and not use, this many rows beyond the last.
    private const int ReadableRowsBeyond = 8;

    private readonly AlignedBuffer buffer;
    private readonly CachedLayer[] layers;
    private readonly TensorFormat format;
    private readonly WeightKernel decoder;
    private readonly RowEncoder encoder;

    /// <summary>Allocates the cache.</summary>
    /// <exception cref="UsageException">The format's blocks do not divide the heads.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public KvCache(DecoderSpec spec, TensorFormat format, InstructionSet instructions, int capacity)
    {
        RequireWholeBlocks(spec, format);
        this.format = format;
        decoder = KernelList.Choose(format, instructions);
        encoder = RowEncoder.For(format, instructions.Name);
        Products = RowProductsList.Choose(format, instructions);
        Capacity = capacity;
        layers = new CachedLayer[spec.Layers.Length];
        long byteCount = 0;
        long longestRow = 0;
        for (int layer = 0; layer < layers.Length; layer++)
        {
            AttentionSpec attention = spec.Layers[layer].Attention;
            long key = format.RowByteCount(attention.HeadSize), value = format.RowByteCount(attention.ValueSize);
            layers[layer] = new CachedLayer(byteCount, attention, key, value);
            byteCount += checked((key + value) * attention.KeyValueHeadCount * capacity);
            longestRow = Math.Max(longestRow, Math.Max(key, value));
        }
        ByteCount = byteCount;
        buffer = new AlignedBuffer(
            byteCount + ReadableRowsBeyond * longestRow, string.Create(CultureInfo.InvariantCulture, $"The key-value cache ({format}) for {capacity} tokens"), Hint(spec, format));
    }

    /// <summary>The formats a cache can have, exact ones first.</summary>
    public static IReadOnlyList<TensorFormat> Formats => RowProductsList.Formats;

    /// <summary>Tokens it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Bytes of all rows.</summary>
    public long ByteCount { get; }

    /// <summary>True if rows can be read as they lie.</summary>
    public bool HoldsSingles => format == TensorFormats.F32;

    /// <summary>Products with rows as they are stored.</summary>
    public RowProducts Products { get; }

    /// <summary>The format of this name.</summary>
    /// <exception cref="UsageException">A cache cannot have it.</exception>
    public static TensorFormat FindFormat(string name) => Formats.FirstOrDefault(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UsageException($"The key-value cache cannot be stored as '{name}'. It can be: {string.Join(", ", Formats)}.");

    /// <summary>Throws if a model's heads are not a whole number of the format's blocks.</summary>
    /// <exception cref="UsageException">They are not.</exception>
    public static void RequireWholeBlocks(DecoderSpec spec, TensorFormat format)
    {
        foreach (int size in HeadSizes(spec))
        {
            if (!format.CanHoldRow(size))
            {
                throw new UsageException(string.Create(CultureInfo.InvariantCulture,
                    $"The key-value cache cannot be stored as {format}: its blocks hold {format.BlockLength} elements, and the heads of this model have {size}. It can be: {string.Join(", ", FormatsFor(spec))}."));
            }
        }
    }

    /// <summary>The formats that a model's cache can have.</summary>
    public static IEnumerable<TensorFormat> FormatsFor(DecoderSpec spec) => Formats.Where(format => HeadSizes(spec).All(size => format.CanHoldRow(size)));

    /// <summary>The first key row of a head.</summary>
    public byte* Keys(int layer, int head) => buffer.Pointer + layers[layer].Offset + layers[layer].TokenByteCount * head * Capacity;

    /// <summary>The first value row of a head.</summary>
    public byte* Values(int layer, int head) => Keys(layer, head) + layers[layer].KeyByteCount * Capacity;

    /// <summary>Bytes of a key row.</summary>
    public long KeyByteCount(int layer) => layers[layer].KeyByteCount;

    /// <summary>Bytes of a value row.</summary>
    public long ValueByteCount(int layer) => layers[layer].ValueByteCount;

    /// <summary>Stores the keys and values of one token.</summary>
    /// <param name="layer">Which layer.</param>
    /// <param name="position">Which token.</param>
    /// <param name="keys">[heads, head size].</param>
    /// <param name="values">[heads, value size].</param>
    /// <param name="scratch">Memory of this thread.</param>
    /// <exception cref="NumericalException">An element does not fit the cache's format.</exception>
    public void Store(int layer, int position, float* keys, float* values, Scratch scratch)
    {
        CachedLayer own = layers[layer];
        Store(Keys(layer, 0), own, own.KeyByteCount, position, keys, own.Attention.HeadSize, layer, scratch);
        Store(Values(layer, 0), own, own.ValueByteCount, position, values, own.Attention.ValueSize, layer, scratch);
    }

    /// <summary>Decodes rows of a head to single precision.</summary>
    /// <param name="rows">The head's first row, from <see cref="Keys"/> or <see cref="Values"/>.</param>
    /// <param name="rowByteCount">Bytes of a row.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="length">Elements of a row.</param>
    /// <param name="target">Receives the rows, one after another.</param>
    public void Decode(byte* rows, long rowByteCount, int first, int count, int length, float* target) =>
        decoder.Decode(rows + rowByteCount * first, target, count * length);

    /// <summary>Takes over the first rows of every head from a cache of the same decoder and format.</summary>
    public void CopyFrom(KvCache source, int count)
    {
        for (int layer = 0; layer < layers.Length; layer++)
        {
            long keyByteCount = KeyByteCount(layer) * count;
            long valueByteCount = ValueByteCount(layer) * count;
            for (int head = 0; head < layers[layer].Attention.KeyValueHeadCount; head++)
            {
                Buffer.MemoryCopy(source.Keys(layer, head), Keys(layer, head), keyByteCount, keyByteCount);
                Buffer.MemoryCopy(source.Values(layer, head), Values(layer, head), valueByteCount, valueByteCount);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => buffer.Dispose();

    private static IEnumerable<int> HeadSizes(DecoderSpec spec) => spec.Layers.SelectMany(layer => new[] { layer.Attention.HeadSize, layer.Attention.ValueSize });

    private static string Hint(DecoderSpec spec, TensorFormat format)
    {
        string[] smaller = [.. FormatsFor(spec).Where(f => f.BitsPerWeight < format.BitsPerWeight).Select(f => f.Name.ToLowerInvariant())];
        return smaller.Length == 0
            ? "Use a shorter context (--context)."
            : $"Use a shorter context (--context) or a smaller type for keys and values (--cache-type {string.Join(", ", smaller)}).";
    }

    private void Store(byte* rows, in CachedLayer own, long rowByteCount, int position, float* source, int length, int layer, Scratch scratch)
    {
        int heads = own.Attention.KeyValueHeadCount;
        long headStride = own.TokenByteCount * Capacity;
        byte* encoded = (byte*)source;
        if (!HoldsSingles)
        {
            int byteCount = checked((int)(heads * rowByteCount));
            encoded = (byte*)scratch.Floats((byteCount + sizeof(float) - 1) / sizeof(float));
            Encode(new ReadOnlySpan<float>(source, heads * length), length, new Span<byte>(encoded, byteCount), layer);
        }
        byte* target = rows + rowByteCount * position;
        for (int head = 0; head < heads; head++)
            Buffer.MemoryCopy(encoded + head * rowByteCount, target + head * headStride, rowByteCount, rowByteCount);
    }

    private void Encode(ReadOnlySpan<float> elements, int length, Span<byte> target, int layer)
    {
        if (RowCheck.FirstNonFinite(elements) >= 0)
            throw new NumericalException($"A key or value of block {layer} is not a finite number: the model's weights are damaged, or its activations overflowed.");
        try
        {
            encoder.EncodeRows(elements, length, [], target);
        }
        catch (OverflowException exception)
        {
            throw new NumericalException($"A key or value of block {layer} is too large for a cache in {format}. Keep keys and values in F32 (--cache-type f32).", exception);
        }
    }

    /// <summary>Where a layer's rows lie.</summary>
    private readonly struct CachedLayer(long offset, AttentionSpec attention, long keyByteCount, long valueByteCount)
    {
        public readonly long Offset = offset;
        public readonly AttentionSpec Attention = attention;
        public readonly long KeyByteCount = keyByteCount;
        public readonly long ValueByteCount = valueByteCount;

        public long TokenByteCount => KeyByteCount + ValueByteCount;
    }
}
