namespace Decant.Core.Formats;

/// <summary>8-bit unsigned integers, in safetensors only. Encoding rounds half to even; what does not fit overflows.</summary>
public sealed class U8Format : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "U8";

    /// <inheritdoc/>
    public override string? SafetensorsType => "U8";

    /// <inheritdoc/>
    public override int BlockByteCount => 1;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = source[i];
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            destination[i] = checked((byte)MathF.Round(source[i]));
    }
}
