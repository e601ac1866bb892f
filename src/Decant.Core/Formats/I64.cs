using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>64-bit signed integers, little-endian. Decoding rounds beyond 2^24; encoding rounds half to even, and what does not fit overflows.</summary>
public sealed class I64Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "I64";

    /// <inheritdoc/>
    public override int? GgmlType => 27;

    /// <inheritdoc/>
    public override string? SafetensorsType => "I64";

    /// <inheritdoc/>
    public override int BlockByteCount => 8;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = BinaryPrimitives.ReadInt64LittleEndian(source[(8 * i)..]);
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            BinaryPrimitives.WriteInt64LittleEndian(destination[(8 * i)..], checked((long)MathF.Round(source[i])));
    }
}
