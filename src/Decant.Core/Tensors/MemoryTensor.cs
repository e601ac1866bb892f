using System.Runtime.InteropServices;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>A tensor held in managed memory (under 2 GiB), for tests, small results and computed tensors.</summary>
public sealed class MemoryTensor : TensorData
{
    private readonly ReadOnlyMemory<byte> bytes;

    /// <summary>Wraps stored bytes.</summary>
    /// <exception cref="ArgumentException">The bytes are not as many as <paramref name="info"/> says.</exception>
    public MemoryTensor(TensorInfo info, ReadOnlyMemory<byte> bytes)
        : base(info)
    {
        if (bytes.Length != info.ByteCount)
            throw new ArgumentException($"{info} needs {info.ByteCount} bytes, got {bytes.Length}.", nameof(bytes));
        this.bytes = bytes;
    }

    /// <summary>An F32 tensor from values.</summary>
    public static MemoryTensor FromValues(string name, TensorShape shape, ReadOnlySpan<float> values) =>
        new(new TensorInfo(name, shape, TensorFormats.F32), MemoryMarshal.AsBytes(values).ToArray());

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        int rowByteCount = (int)Info.RowByteCount;
        rows = bytes.Span.Slice(checked((int)(firstRow * rowByteCount)), checked(rowCount * rowByteCount));
        return true;
    }
}
