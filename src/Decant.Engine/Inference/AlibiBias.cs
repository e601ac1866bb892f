using Decant.Core.Architectures;

namespace Decant.Engine.Inference;

/// <summary>
/// Attention with linear biases (Press et al. 2022, and its authors' code for head counts that are no powers of two): slope · distance, or as <see cref="AlibiSpec"/> says.
/// </summary>
internal sealed unsafe class AlibiBias : ScoreBias
{
    private readonly AlibiSpec spec;
    private readonly float[] slopes;

    /// <summary>One slope per head: a geometric series from 2^(−8/n) for n heads; beyond the largest power of two in n, every other one of the series for twice as many.</summary>
    public AlibiBias(AlibiSpec spec, int headCount)
    {
        this.spec = spec;
        int power = 1;
        while (power * 2 <= headCount)
            power *= 2;
        double whole = Math.Pow(2, -8.0 / power), half = Math.Pow(2, -4.0 / power);
        slopes = new float[headCount];
        for (int head = 0; head < headCount; head++)
        {
            float slope = (float)(head < power ? Math.Pow(whole, head + 1) : Math.Pow(half, 2 * (head - power) + 1));
            slopes[head] = spec.RoundsToBfloat16 ? Rounded(slope) : slope;
        }
    }

    /// <summary>True if these are the biases of this form and so many heads.</summary>
    public bool Is(AlibiSpec form, int headCount) => slopes.Length == headCount && spec == form;

    /// <inheritdoc/>
    public override void AddTo(float* scores, long stride, int count, int head, int firstKey, int query)
    {
        float slope = slopes[head];
        if (spec.RoundsToBfloat16)
        {
            for (int i = 0; i < count; i++)
                scores[i * stride] += spec.Scale * Rounded(slope * Rounded(firstKey + i));
            return;
        }
        slope *= spec.Scale;
        for (int i = 0; i < count; i++)
            scores[i * stride] += slope * (firstKey - query + i);
    }

    /// <summary>To the nearest bfloat16, ties to even.</summary>
    private static float Rounded(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);
    }
}
