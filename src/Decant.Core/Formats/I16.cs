using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>16-bit signed integers, little-endian. Encoding rounds half to even; what does not fit overflows.</summary>
public sealed class I16Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "I16";

    /// <inheritdoc/>
    public override int? GgmlType => 25;

    /// <inheritdoc/>
    public override string? SafetensorsType => "I16";

    /// <inheritdoc/>
    public override int BlockByteCount => 2;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = BinaryPrimitives.ReadInt16LittleEndian(source[(2 * i)..]);
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            BinaryPrimitives.WriteInt16LittleEndian(destination[(2 * i)..], checked((short)MathF.Round(source[i])));
    }
}
