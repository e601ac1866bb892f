using Decant.Core.Formats.Search;

namespace Decant.Core.Formats;

/// <summary>
/// 256 codes of 2 bits; each run of 16 has a 4-bit scale s and a 4-bit minimum m on top of two half-precision numbers:
/// <c>x = d·s·q - dmin·m</c>. Layout: 16 bytes s | m &lt;&lt; 4, 64 bytes of codes, d, dmin.
/// </summary>
public sealed class Q2_KFormat : BlockFormat
{
    private const int RunCount = 16, Run = 16, LargestScale = 15, MaxCode = 3;
    private const int Codes = RunCount, Scale = Codes + 64, Minimum = Scale + 2;
    private static readonly AsymmetricSearch search = new(MaxCode, -0.5f, 0.1f, 15, true);

    /// <inheritdoc/>
    public override string Name => "Q2_K";

    /// <inheritdoc/>
    public override int? GgmlType => 10;

    /// <inheritdoc/>
    public override int BlockLength => 256;

    /// <inheritdoc/>
    public override int BlockByteCount => 84;

    /// <inheritdoc/>
    public override bool UsesImportance => true;

    /// <inheritdoc/>
    protected override void DecodeBlock(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = HalfScale.Read(block[Scale..]), dmin = HalfScale.Read(block[Minimum..]);
        Span<byte> codes = stackalloc byte[256];
        CodePlanes.UnpackPairs(block[Codes..Scale], codes);
        for (int i = 0; i < values.Length; i++)
        {
            byte packed = block[i / Run];
            float scale = d * (packed & 15), offset = dmin * (packed >> 4);
            values[i] = scale * codes[i] - offset;
        }
    }

    /// <inheritdoc/>
    protected override void EncodeBlock(ReadOnlySpan<float> values, ReadOnlySpan<float> importance, float rowMeanSquare, Span<byte> block)
    {
        bool weighted = !importance.IsEmpty;
        AsymmetricSearch chosen = weighted ? AsymmetricSearch.Weighted(MaxCode) : search;
        float meanSquare = weighted ? MeanSquare(values) : 0;
        Span<float> scales = stackalloc float[RunCount], minima = stackalloc float[RunCount], sums = stackalloc float[RunCount];
        Span<float> weights = stackalloc float[Run];
        Span<byte> codes = stackalloc byte[256];
        for (int run = 0; run < RunCount; run++)
        {
            ReadOnlySpan<float> part = values.Slice(Run * run, Run);
            if (weighted)
            {
                WeighElements(part, importance.Slice(Run * run, Run), meanSquare, weights);
                foreach (float weight in weights)
                    sums[run] += weight;
            }
            else
            {
                for (int i = 0; i < Run; i++)
                    weights[i] = MathF.Abs(part[i]);
            }
            scales[run] = chosen.Run(part, weights, codes.Slice(Run * run, Run), out minima[run]);
        }

        Span<byte> scaleCodes = stackalloc byte[RunCount], minimumCodes = stackalloc byte[RunCount];
        float d = weighted ? DescentSearch.Positive(scales, sums, LargestScale, scaleCodes) : RoundToLargest(scales, scaleCodes);
        float dmin = weighted ? DescentSearch.Positive(minima, sums, LargestScale, minimumCodes) : RoundToLargest(minima, minimumCodes);
        d = HalfScale.Write(block[Scale..], d, Name);
        dmin = HalfScale.Write(block[Minimum..], dmin, Name);
        for (int run = 0; run < RunCount; run++)
        {
            byte packed = (byte)(scaleCodes[run] | minimumCodes[run] << 4);
            block[run] = packed;
            float scale = d * (packed & 15), offset = dmin * (packed >> 4);
            if (scale == 0)
                continue;
            for (int i = Run * run; i < Run * (run + 1); i++)
                codes[i] = (byte)Rounding.Nearest((values[i] + offset) / scale, 0, MaxCode);
        }
        CodePlanes.PackPairs(codes, block[Codes..Scale]);
    }

    /// <summary>Codes that map the largest value to 15; returns the step, 0 if no value is positive.</summary>
    private static float RoundToLargest(ReadOnlySpan<float> values, Span<byte> codes)
    {
        float max = 0;
        foreach (float value in values)
        {
            if (value > max)
                max = value;
        }
        float inverse = max > 0 ? LargestScale / max : 0;
        for (int i = 0; i < values.Length; i++)
            codes[i] = (byte)Rounding.Nearest(inverse * values[i]);
        return max / LargestScale;
    }
}
