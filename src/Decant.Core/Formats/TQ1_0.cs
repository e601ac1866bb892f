namespace Decant.Core.Formats;

/// <summary>
/// 256 ternary values, five to a byte, with one half-precision scale: <c>x = (t - 1)·d</c>. A byte holds the base-3 fraction
/// 0.t0 t1 t2 t3 t4 scaled to 256 and rounded up, so that a decoder multiplies by 3 and takes what spills over 8 bits.
/// Layout: 32 bytes for elements 0–159 (i, i + 32, …), 16 bytes for 160–239 (i, i + 16, …), 4 bytes of four for 240–255
/// (i, i + 4, …), d.
/// </summary>
public sealed class TQ1_0Format : BlockFormat
{
    private const int Scale = 52;

    /// <summary>First byte, bytes, first element and trits a byte of the three parts.</summary>
    private static ReadOnlySpan<(byte Byte, byte ByteCount, byte Element, byte TritCount)> Parts =>
        new (byte, byte, byte, byte)[] { (0, 32, 0, 5), (32, 16, 160, 5), (48, 4, 240, 4) };

    /// <inheritdoc/>
    public override string Name => "TQ1_0";

    /// <inheritdoc/>
    public override int? GgmlType => 34;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 54;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block[Scale..]);
        foreach ((byte first, byte byteCount, byte element, byte tritCount) in Parts)
        {
            for (int b = 0; b < byteCount; b++)
            {
                byte fraction = block[first + b];
                for (int n = 0; n < tritCount; n++)
                {
                    values[element + byteCount * n + b] = (fraction * 3 / 256 - 1) * d;
                    fraction *= 3;
                }
            }
        }
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<byte> codes = stackalloc byte[256];
        HalfScale.Write(block[Scale..], TQ2_0Format.RoundToTernary(values, codes), Name);
        foreach ((byte first, byte byteCount, byte element, byte tritCount) in Parts)
        {
            for (int b = 0; b < byteCount; b++)
            {
                int number = 0;
                for (int n = 0; n < 5; n++)
                    number = 3 * number + (n < tritCount ? codes[element + byteCount * n + b] : 0);
                block[first + b] = (byte)((number * 256 + 242) / 243);
            }
        }
    }
}
