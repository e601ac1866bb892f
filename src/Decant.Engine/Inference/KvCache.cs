using System.Globalization;
using System.Runtime.InteropServices;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Engine.Kernels;

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

    /// <summary>Allocates the cache.</summary>
    /// <exception cref="LimitNotMetException">There is not enough memory.</exception>
    public KvCache(DecoderSpec spec, KvFormat format, int capacity)
    {
        this.spec = spec;
        Format = format;
        Capacity = capacity;
        layerOffsets = new long[spec.Layers.Length];
        long byteCount = 0;
        for (int layer = 0; layer < layerOffsets.Length; layer++)
        {
            AttentionSpec attention = spec.Layers[layer].Attention;
            layerOffsets[layer] = byteCount;
            byteCount += checked((RowByteCount(attention.HeadSize) + RowByteCount(attention.ValueSize)) * attention.KeyValueHeadCount * capacity);
        }
        string hint = format.ByteCount == KvFormat.F32.ByteCount ? "Use a shorter context or --kv-cache f16." : "Use a shorter context.";
        buffer = new AlignedBuffer(byteCount, string.Create(CultureInfo.InvariantCulture, $"The key-value cache ({format.Name}) for {capacity} tokens"), hint);
    }

    /// <summary>How elements are stored.</summary>
    public KvFormat Format { get; }

    /// <summary>Tokens it can hold.</summary>
    public int Capacity { get; }

    /// <summary>Bytes allocated.</summary>
    public long ByteCount => buffer.ByteCount;

    /// <summary>The first key row of a head.</summary>
    public byte* Keys(int layer, int head)
    {
        AttentionSpec attention = spec.Layers[layer].Attention;
        return buffer.Pointer + layerOffsets[layer] + (RowByteCount(attention.HeadSize) + RowByteCount(attention.ValueSize)) * head * Capacity;
    }

    /// <summary>The first value row of a head.</summary>
    public byte* Values(int layer, int head) => Keys(layer, head) + RowByteCount(spec.Layers[layer].Attention.HeadSize) * Capacity;

    /// <summary>Bytes of a row of so many elements.</summary>
    public long RowByteCount(int elementCount) => (long)elementCount * Format.ByteCount;

    /// <summary>Stores rows of one head.</summary>
    /// <param name="rows">The head's first row in the cache, from <see cref="Keys"/> or <see cref="Values"/>.</param>
    /// <param name="source">The head's elements of the first token.</param>
    /// <param name="sourceStride">Elements between tokens.</param>
    /// <param name="length">Elements per row.</param>
    /// <param name="firstPosition">The position of the first token.</param>
    /// <param name="count">Tokens.</param>
    public void StoreRows(byte* rows, float* source, int sourceStride, int length, int firstPosition, int count)
    {
        long rowByteCount = RowByteCount(length);
        for (int i = 0; i < count; i++)
        {
            float* from = source + (long)i * sourceStride;
            byte* to = rows + rowByteCount * (firstPosition + i);
            if (Format == KvFormat.F32)
            {
                new ReadOnlySpan<float>(from, length).CopyTo(new Span<float>(to, length));
                continue;
            }
            for (int j = 0; j < length; j++)
                ((Half*)to)[j] = (Half)from[j];
        }
    }

    /// <inheritdoc/>
    public void Dispose() => buffer.Dispose();
}

/// <summary>An element type of the key-value cache.</summary>
/// <param name="Name">As options spell it.</param>
/// <param name="ByteCount">Bytes per element.</param>
internal sealed record KvFormat(string Name, int ByteCount)
{
    /// <summary>Single precision.</summary>
    public static KvFormat F32 { get; } = new("F32", 4);

    /// <summary>Half precision.</summary>
    public static KvFormat F16 { get; } = new("F16", 2);

    /// <summary>All of them.</summary>
    public static IReadOnlyList<KvFormat> All { get; } = [F32, F16];

    /// <summary>The format of this name.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static KvFormat Find(string name) => All.FirstOrDefault(f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UsageException($"The key-value cache cannot be stored as '{name}'. It can be: {string.Join(", ", All.Select(f => f.Name))}.");
}
