using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>IEEE double precision, little-endian; decoding rounds to single.</summary>
public sealed class F64Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "F64";

    /// <inheritdoc/>
    public override int? GgmlType => 28;

    /// <inheritdoc/>
    public override string? SafetensorsType => "F64";

    /// <inheritdoc/>
    public override int BlockByteCount => 8;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = (float)BinaryPrimitives.ReadDoubleLittleEndian(source[(8 * i)..]);
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            BinaryPrimitives.WriteDoubleLittleEndian(destination[(8 * i)..], source[i]);
    }
}
