using System.Runtime.InteropServices;

namespace Decant.Core.Formats;

/// <summary>IEEE single precision, little-endian.</summary>
public sealed class F32Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "F32";

    /// <inheritdoc/>
    public override int? GgmlType => 0;

    /// <inheritdoc/>
    public override string? SafetensorsType => "F32";

    /// <inheritdoc/>
    public override int BlockByteCount => 4;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        source.CopyTo(MemoryMarshal.AsBytes(destination));
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        MemoryMarshal.AsBytes(source).CopyTo(destination);
    }
}
