using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Encoding;

namespace Decant.Engine.Inference;

/// <summary>
/// Keys and values of the tokens seen so far. Per layer and key-value head: <c>capacity</c> rows of keys, then as many of values, so that the
/// rows one head reads lie together. Keys are stored after their rotation.
/// </summary>
internal sealed unsafe class KvCache : IDisposable
{
    private readonly AlignedBuffer buffer;
    private readonly long[] layerOffsets;
    private readonly DecoderSpec spec;
    private readonly TensorFormat format;
    private readonly WeightKernel decoder;
    private readonly RowEncoder encoder;

    /// <summary>Allocates the cache.</summary>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public KvCache(DecoderSpec spec, TensorFormat format, InstructionSet instructions, int capacity)
    {
        this.spec = spec;
        this.format = format;
        decoder = KernelList.Choose(format, instructions);
        encoder = RowEncoder.For(format, instructions.Name);
        Capacity = capacity;
        layerOffsets = new long[spec.Layers.Length];
        long byteCount = 0;
        for (int layer = 0; layer < layerOffsets.Length; layer++)
        {
            AttentionSpec attention = spec.Layers[layer].Attention;
            layerOffsets[layer] = byteCount;
            byteCount += checked((RowByteCount(attention.HeadSize) + RowByteCount(attention.ValueSize)) * attention.KeyValueHeadCount * capacity);
        }
        string hint = HoldsSingles ? "Use a shorter context, or half precision for keys and values." : "Use a shorter context.";
        buffer = new AlignedBuffer(byteCount, string.Create(CultureInfo.InvariantCulture, $"The key-value cache ({format}) for {capacity} tokens"), hint);
    }

    /// <summary>The formats a cache can have.</summary>
    public static IReadOnlyList<TensorFormat> Formats { get; } = [TensorFormats.F32, TensorFormats.F16];

    /// <summary>Tokens it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Bytes allocated.</summary>
    public long ByteCount => buffer.ByteCount;

    /// <summary>True if rows can be read as they lie.</summary>
    public bool HoldsSingles => format == TensorFormats.F32;

    /// <summary>The format of this name.</summary>
    /// <exception cref="UsageException">A cache cannot have it.</exception>
    public static TensorFormat FindFormat(string name) => Formats.FirstOrDefault(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UsageException($"The key-value cache cannot be stored as '{name}'. It can be: {string.Join(", ", Formats)}.");

    /// <summary>The first key row of a head.</summary>
    public byte* Keys(int layer, int head)
    {
        AttentionSpec attention = spec.Layers[layer].Attention;
        return buffer.Pointer + layerOffsets[layer] + (RowByteCount(attention.HeadSize) + RowByteCount(attention.ValueSize)) * head * Capacity;
    }

    /// <summary>The first value row of a head.</summary>
    public byte* Values(int layer, int head) => Keys(layer, head) + RowByteCount(spec.Layers[layer].Attention.HeadSize) * Capacity;

    /// <summary>Stores one row.</summary>
    /// <param name="rows">The head's first row, from <see cref="Keys"/> or <see cref="Values"/>.</param>
    /// <param name="position">Which row.</param>
    /// <param name="source">The elements.</param>
    /// <param name="length">How many.</param>
    /// <exception cref="NumericalException">An element does not fit the cache's format.</exception>
    public void Store(byte* rows, int position, float* source, int length)
    {
        int byteCount = (int)RowByteCount(length);
        try
        {
            encoder.EncodeRows(new ReadOnlySpan<float>(source, length), length, [], new Span<byte>(rows + (long)byteCount * position, byteCount));
        }
        catch (OverflowException exception)
        {
            throw new NumericalException($"A key or value is too large for a cache in {format}. Keep keys and values in F32.", exception);
        }
    }

    /// <summary>Rows of a head in single precision: where they lie, or decoded.</summary>
    /// <param name="rows">The head's first row.</param>
    /// <param name="first">First row.</param>
    /// <param name="count">Rows.</param>
    /// <param name="length">Elements of a row.</param>
    /// <param name="decoded">Room for the rows if they must be decoded.</param>
    public float* Read(byte* rows, int first, int count, int length, float* decoded)
    {
        byte* start = rows + RowByteCount(length) * first;
        if (HoldsSingles)
            return (float*)start;
        decoder.Decode(start, decoded, count * length);
        return decoded;
    }

    /// <summary>Rows of a head in single precision, copied with another stride.</summary>
    public void Copy(byte* rows, int first, int count, int length, float* target, int targetStride)
    {
        long rowByteCount = RowByteCount(length);
        for (int i = 0; i < count; i++)
            decoder.Decode(rows + rowByteCount * (first + i), target + (long)i * targetStride, length);
    }

    /// <summary>Takes over the first rows of every head from a cache of the same decoder and format.</summary>
    public void CopyFrom(KvCache source, int count)
    {
        for (int layer = 0; layer < layerOffsets.Length; layer++)
        {
            AttentionSpec attention = spec.Layers[layer].Attention;
            long keyByteCount = RowByteCount(attention.HeadSize) * count;
            long valueByteCount = RowByteCount(attention.ValueSize) * count;
            for (int head = 0; head < attention.KeyValueHeadCount; head++)
            {
                Buffer.MemoryCopy(source.Keys(layer, head), Keys(layer, head), keyByteCount, keyByteCount);
                Buffer.MemoryCopy(source.Values(layer, head), Values(layer, head), valueByteCount, valueByteCount);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => buffer.Dispose();

    private long RowByteCount(int elementCount) => format.RowByteCount(elementCount);
}
