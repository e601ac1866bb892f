using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>32-bit signed integers, little-endian. Decoding rounds beyond 2^24; encoding rounds half to even, and what does not fit overflows.</summary>
public sealed class I32Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "I32";

    /// <inheritdoc/>
    public override int? GgmlType => 26;

    /// <inheritdoc/>
    public override string? SafetensorsType => "I32";

    /// <inheritdoc/>
    public override int BlockByteCount => 4;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = BinaryPrimitives.ReadInt32LittleEndian(source[(4 * i)..]);
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            BinaryPrimitives.WriteInt32LittleEndian(destination[(4 * i)..], checked((int)MathF.Round(source[i])));
    }
}
