using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Encoding;
using Decant.Engine.Kernels.Rows;

namespace Decant.Engine.Inference;

/// <summary>
/// Keys and values of the tokens seen so far, in blocks of <see cref="BlockLength"/> tokens. Within a block, for every layer and key-value head: the rows of
/// its keys, then those of its values, so that the rows one head reads lie together. A text that fills little of its capacity touches only the first
/// blocks' memory. Keys are stored after their rotation.
/// </summary>
internal sealed unsafe class KvCache : IDisposable
{
    /// <summary>Tokens of a block but the last: a multiple of what attention takes at a time.</summary>
    public const int BlockLength = 240;

    // Whoever multiplies rows in tiles may read, and not use, this many rows beyond the last.
    private const int ReadableRowsBeyond = 8;

    private readonly AlignedBuffer buffer;
    private readonly CachedLayer[] layers;
    private readonly long tokenByteCount;
    private readonly TensorFormat format;
    private readonly WeightKernel decoder;
    private readonly RowEncoder encoder;

    /// <summary>Allocates the cache.</summary>
    /// <exception cref="UsageException">The format's blocks do not divide the heads.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public KvCache(DecoderSpec spec, TensorFormat format, InstructionSet instructions, int capacity)
        : this([.. spec.Layers.Select(layer => layer.Attention)], format, instructions, capacity)
    {
    }

    /// <summary>Allocates a cache of these layers.</summary>
    /// <exception cref="UsageException">The format's blocks do not divide the heads.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public KvCache(AttentionSpec[] attentions, TensorFormat format, InstructionSet instructions, int capacity)
    {
        RequireWholeBlocks(attentions, format);
        this.format = format;
        decoder = KernelList.Choose(format, instructions);
        encoder = RowEncoder.For(format, instructions.Name);
        Products = RowProductsList.Choose(format, instructions);
        Capacity = capacity;
        layers = new CachedLayer[attentions.Length];
        long byteCount = 0;
        long longestRow = 0;
        for (int layer = 0; layer < layers.Length; layer++)
        {
            AttentionSpec attention = attentions[layer];
            long key = format.RowByteCount(attention.HeadSize), value = format.RowByteCount(attention.ValueSize);
            layers[layer] = new CachedLayer(byteCount, attention, key, value);
            byteCount += (key + value) * attention.KeyValueHeadCount;
            longestRow = Math.Max(longestRow, Math.Max(key, value));
        }
        tokenByteCount = byteCount;
        ByteCount = checked(byteCount * capacity);
        buffer = new AlignedBuffer(
            ByteCount + ReadableRowsBeyond * longestRow, string.Create(CultureInfo.InvariantCulture, $"The key-value cache ({format}) for {capacity} tokens"), Hint(attentions, format));
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
    public static void RequireWholeBlocks(DecoderSpec spec, TensorFormat format) => RequireWholeBlocks(spec.Layers.Select(layer => layer.Attention), format);

    private static void RequireWholeBlocks(IEnumerable<AttentionSpec> attentions, TensorFormat format)
    {
        foreach (int size in HeadSizes(attentions))
        {
            if (!format.CanHoldRow(size))
            {
                throw new UsageException(string.Create(CultureInfo.InvariantCulture,
                    $"The key-value cache cannot be stored as {format}: its blocks hold {format.BlockLength} elements, and the heads of this model have {size}. It can be: {string.Join(", ", FormatsFor(attentions))}."));
            }
        }
    }

    /// <summary>The formats that a model's cache can have.</summary>
    public static IEnumerable<TensorFormat> FormatsFor(DecoderSpec spec) => FormatsFor(spec.Layers.Select(layer => layer.Attention));

    /// <summary>How many rows of a head lie one after another from a position on.</summary>
    public int RowsTogether(int position) => Math.Min(BlockLength - position % BlockLength, Capacity - position);

    /// <summary>The key row of a head at a position.</summary>
    public byte* Keys(int layer, int head, int position) =>
        Head(layer, head, position) + layers[layer].KeyByteCount * (position % BlockLength);

    /// <summary>The value row of a head at a position.</summary>
    public byte* Values(int layer, int head, int position) =>
        Head(layer, head, position) + layers[layer].KeyByteCount * RowsOfBlock(position) + layers[layer].ValueByteCount * (position % BlockLength);

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
        long headStride = own.TokenByteCount * RowsOfBlock(position);
        Store(keys, layer, own.Attention.KeyValueHeadCount, own.Attention.HeadSize, Keys(layer, 0, position), own.KeyByteCount, headStride, scratch);
        Store(values, layer, own.Attention.KeyValueHeadCount, own.Attention.ValueSize, Values(layer, 0, position), own.ValueByteCount, headStride, scratch);
    }

    /// <summary>Decodes rows that lie one after another to single precision.</summary>
    /// <param name="rows">The first, from <see cref="Keys"/> or <see cref="Values"/>.</param>
    /// <param name="count">Rows.</param>
    /// <param name="length">Elements of a row.</param>
    /// <param name="target">Receives the rows, one after another.</param>
    public void Decode(byte* rows, int count, int length, float* target) => decoder.Decode(rows, target, count * length);

    /// <summary>Takes over the first rows of every head from a cache of the same decoder and format.</summary>
    public void CopyFrom(KvCache source, int count)
    {
        for (int layer = 0; layer < layers.Length; layer++)
        {
            for (int first = 0; first < count; first += BlockLength)
            {
                int rows = Math.Min(BlockLength, count - first);
                long keyByteCount = KeyByteCount(layer) * rows;
                long valueByteCount = ValueByteCount(layer) * rows;
                for (int head = 0; head < layers[layer].Attention.KeyValueHeadCount; head++)
                {
                    Buffer.MemoryCopy(source.Keys(layer, head, first), Keys(layer, head, first), keyByteCount, keyByteCount);
                    Buffer.MemoryCopy(source.Values(layer, head, first), Values(layer, head, first), valueByteCount, valueByteCount);
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => buffer.Dispose();

    private static IEnumerable<TensorFormat> FormatsFor(IEnumerable<AttentionSpec> attentions) =>
        Formats.Where(format => HeadSizes(attentions).All(size => format.CanHoldRow(size)));

    private static IEnumerable<int> HeadSizes(IEnumerable<AttentionSpec> attentions) => attentions.SelectMany(attention => new[] { attention.HeadSize, attention.ValueSize });

    private static string Hint(AttentionSpec[] attentions, TensorFormat format)
    {
        string[] smaller = [.. FormatsFor(attentions).Where(f => f.BitsPerWeight < format.BitsPerWeight).Select(f => f.Name.ToLowerInvariant())];
        return smaller.Length == 0
            ? "Use a shorter context (--context)."
            : $"Use a shorter context (--context) or a smaller type for keys and values (--cache-type {string.Join(", ", smaller)}).";
    }

    private int RowsOfBlock(int position) => Math.Min(BlockLength, Capacity - position / BlockLength * BlockLength);

    /// <summary>Where a head's rows begin in the block of a position.</summary>
    private byte* Head(int layer, int head, int position) => buffer.Pointer + position / BlockLength * BlockLength * tokenByteCount
        + (layers[layer].Offset + layers[layer].TokenByteCount * head) * RowsOfBlock(position);

    private void Store(float* source, int layer, int heads, int length, byte* target, long rowByteCount, long headStride, Scratch scratch)
    {
        byte* encoded = (byte*)source;
        if (!HoldsSingles)
        {
            int byteCount = checked((int)(heads * rowByteCount));
            encoded = (byte*)scratch.Floats((byteCount + sizeof(float) - 1) / sizeof(float));
            Encode(new ReadOnlySpan<float>(source, heads * length), length, new Span<byte>(encoded, byteCount), layer);
        }
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

    /// <summary>A layer; the offset is that of its rows in a block of one token.</summary>
    private readonly struct CachedLayer(long offset, AttentionSpec attention, long keyByteCount, long valueByteCount)
    {
        public readonly long Offset = offset;
        public readonly AttentionSpec Attention = attention;
        public readonly long KeyByteCount = keyByteCount;
        public readonly long ValueByteCount = valueByteCount;

        public long TokenByteCount => KeyByteCount + ValueByteCount;
    }
}
