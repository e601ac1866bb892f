namespace Decant.Core.Formats;

/// <summary>8-bit signed integers. Encoding rounds half to even; what does not fit overflows.</summary>
public sealed class I8Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "I8";

    /// <inheritdoc/>
    public override int? GgmlType => 24;

    /// <inheritdoc/>
    public override string? SafetensorsType => "I8";

    /// <inheritdoc/>
    public override int BlockByteCount => 1;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = (sbyte)source[i];
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            destination[i] = (byte)checked((sbyte)MathF.Round(source[i]));
    }
}
