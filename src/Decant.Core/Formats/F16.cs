using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>IEEE half precision, little-endian; encoding rounds to nearest even.</summary>
public sealed class F16Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "F16";

    /// <inheritdoc/>
    public override int? GgmlType => 1;

    /// <inheritdoc/>
    public override string? SafetensorsType => "F16";

    /// <inheritdoc/>
    public override int BlockByteCount => 2;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = (float)BinaryPrimitives.ReadHalfLittleEndian(source[(2 * i)..]);
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
        {
            var half = (Half)source[i];
            if (Half.IsInfinity(half) && float.IsFinite(source[i]))
                throw new OverflowException($"F16: element {i} is {source[i]:G6}, beyond the largest half-precision number (65504).");
            BinaryPrimitives.WriteHalfLittleEndian(destination[(2 * i)..], half);
        }
    }
}
