namespace Decant.Core.Formats;

/// <summary>Booleans of one byte each, in safetensors only. Any byte but 0 reads as 1; any number but 0 is written as 1.</summary>
public sealed class BoolFormat : TensorFormat
{
    /// <inheritdoc/>
    public override string Name => "BOOL";

    /// <inheritdoc/>
    public override string? SafetensorsType => "BOOL";

    /// <inheritdoc/>
    public override int BlockByteCount => 1;

    /// <inheritdoc/>
    public override void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination)
    {
        CheckDecode(source, destination);
        for (int i = 0; i < destination.Length; i++)
            destination[i] = source[i] == 0 ? 0 : 1;
    }

    /// <inheritdoc/>
    public override void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        CheckEncode(source, importance, destination);
        for (int i = 0; i < source.Length; i++)
            destination[i] = (byte)(source[i] == 0 ? 0 : 1);
    }
}
