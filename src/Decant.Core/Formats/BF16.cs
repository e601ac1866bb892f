using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>The upper half of IEEE single precision (bfloat16), little-endian; encoding rounds to nearest even.</summary>
public sealed class BF16Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "BF16";

    /// <inheritdoc/>
    public override int? GgmlType => 30;

    /// <inheritdoc/>
    public override string? SafetensorsType => "BF16";

    /// <inheritdoc/>
    public override int BlockByteCount => 2;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = BitConverter.UInt32BitsToSingle((uint)BinaryPrimitives.ReadUInt16LittleEndian(source[(2 * i)..]) << 16);
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
        {
            ushort bits = Round(source[i]);
            if ((bits & 0x7fff) == 0x7f80 && float.IsFinite(source[i]))
                throw new OverflowException($"BF16: element {i} is {source[i]:G6}, which rounds to infinity.");
            BinaryPrimitives.WriteUInt16LittleEndian(destination[(2 * i)..], bits);
        }
    }

    /// <summary>Nearest even on the bit pattern; a NaN keeps its upper bits and becomes quiet, so that it cannot turn into infinity.</summary>
    internal static ushort Round(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return float.IsNaN(value)
            ? (ushort)((bits >> 16) | 64)
            : (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
