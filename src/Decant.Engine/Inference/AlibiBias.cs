namespace Decant.Engine.Inference;

/// <summary>
/// Attention with linear biases (Press et al. 2022, and its authors' code for head counts that are no powers of two): slope · distance.
/// </summary>
internal sealed unsafe class AlibiBias : ScoreBias
{
    private readonly float[] slopes;

    /// <summary>One slope per head: a geometric series from 2^(−8/n) for n heads; beyond the largest power of two in n, every other one of the series for twice as many.</summary>
    public AlibiBias(int headCount)
    {
        int power = 1;
        while (power * 2 <= headCount)
            power *= 2;
        double whole = Math.Pow(2, -8.0 / power), half = Math.Pow(2, -4.0 / power);
        slopes = new float[headCount];
        for (int head = 0; head < headCount; head++)
            slopes[head] = (float)(head < power ? Math.Pow(whole, head + 1) : Math.Pow(half, 2 * (head - power) + 1));
    }

    /// <summary>Heads.</summary>
    public int HeadCount => slopes.Length;

    /// <inheritdoc/>
    public override void AddTo(float* scores, long stride, int count, int head, int firstDistance)
    {
        float slope = slopes[head];
        for (int i = 0; i < count; i++)
            scores[i * stride] += slope * (firstDistance + i);
    }
}
