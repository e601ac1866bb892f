namespace Decant.Core.Formats;

/// <summary>
/// Activations beside Q4_1 and Q5_1 weights: as <see cref="Q8_0Format"/>, plus s = d·Σq, by which the weights' minimum is multiplied.
/// Layout: d, s, codes[32].
/// </summary>
public sealed class Q8_1Format : BlockFormat
{
    /// <inheritdoc/>
    public override string Name => "Q8_1";

    /// <inheritdoc/>
    public override int? GgmlType => 9;

    /// <inheritdoc/>
    public override int BlockLength => 32;

    /// <inheritdoc/>
    public override int BlockByteCount => 36;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block);
        for (int i = 0; i < values.Length; i++)
            values[i] = (sbyte)block[4 + i] * d;
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        float d = MathF.Abs(SignedMaximum(values)) / 127;
        float inverse = d != 0 ? 1 / d : 0;
        int sum = 0;
        for (int i = 0; i < values.Length; i++)
        {
            sbyte code = (sbyte)Rounding.HalfAway(values[i] * inverse);
            block[4 + i] = (byte)code;
            sum += code;
        }
        HalfScale.Write(block, d, Name);
        HalfScale.Write(block[2..], sum * d, Name);
    }
}
