using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// 256 codes of 6 bits; each run of 16 has a signed 8-bit scale s on top of one half-precision number: <c>x = d·s·(q - 32)</c>.
/// Layout: low nibbles (128 bytes), upper two bits (64 bytes), s[16], d.
/// </summary>
public sealed class Q6_KFormat : BlockFormat
{
    private const int RunCount = 16, Run = 16, Zero = 32;
    private const int High = 128, Scales = High + 64, Scale = Scales + RunCount;

    /// <inheritdoc/>
    public override string Name => "Q6_K";

    /// <inheritdoc/>
    public override int? GgmlType => 14;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 210;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block[Scale..]);
        Span<byte> codes = stackalloc byte[256], high = stackalloc byte[256];
        for (int half = 0; half < 2; half++)
            CodePlanes.UnpackNibbles(block.Slice(64 * half, 64), codes.Slice(128 * half, 128));
        CodePlanes.UnpackPairs(block[High..Scales], high);
        for (int i = 0; i < values.Length; i++)
        {
            float scale = d * (sbyte)block[Scales + i / Run];
            values[i] = scale * ((codes[i] | high[i] << 4) - Zero);
        }
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        Span<float> scales = stackalloc float[RunCount];
        Span<byte> codes = stackalloc byte[256];
        for (int run = 0; run < RunCount; run++)
        {
            scales[run] = SymmetricSearch.Run(
                values.Slice(Run * run, Run),
                importance.IsEmpty ? default : importance.Slice(Run * run, Run),
                Zero,
                codes.Slice(Run * run, Run));
        }
        float max = SignedMaximum(scales);
        if (MathF.Abs(max) < SymmetricSearch.SmallestMagnitude)
        {
            block.Clear();
            return;
        }
        float inverse = -128 / max;
        float d = HalfScale.Write(block[Scale..], 1 / inverse, Name);
        for (int run = 0; run < RunCount; run++)
        {
            sbyte s = (sbyte)Math.Min(127, Rounding.Nearest(inverse * scales[run]));
            block[Scales + run] = (byte)s;
            float scale = d * s;
            if (scale == 0)
                continue;
            for (int i = Run * run; i < Run * (run + 1); i++)
                codes[i] = (byte)(Zero + Rounding.Nearest(values[i] / scale, -Zero, Zero - 1));
        }
        for (int half = 0; half < 2; half++)
            CodePlanes.PackNibbles(codes.Slice(128 * half, 128), block.Slice(64 * half, 64));
        for (int i = 0; i < codes.Length; i++)
            codes[i] >>= 4;
        CodePlanes.PackPairs(codes, block[High..Scales]);
    }
}
