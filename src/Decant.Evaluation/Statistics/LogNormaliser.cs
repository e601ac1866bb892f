using System.Numerics;
using System.Runtime.InteropServices;

namespace Decant.Evaluation.Statistics;

/// <summary>
/// What turns the logits of one position into log-probabilities: <c>ln p(i) = (x_i − max) − ln Σ_j exp(x_j − max)</c>. Exponentials are taken and
/// summed in double precision: a single-precision sum over 49,152 classes is one-sided by 8e-6 nats a token.
/// </summary>
/// <param name="Top">The id of the largest logit; the lowest id if several share it; −1 if a logit is NaN.</param>
/// <param name="Maximum">The largest logit; NaN if any logit is.</param>
/// <param name="LogSum"><c>ln Σ_j exp(x_j − max)</c>, in nats; not finite if a logit is NaN or plus infinity.</param>
public readonly record struct LogNormaliser(int Top, float Maximum, double LogSum)
{
    /// <summary>True if every log-probability can be formed.</summary>
    public bool IsFinite => double.IsFinite(LogSum);

    /// <summary>Log-probability in nats of the token with this logit.</summary>
    public double LogProbability(float logit) => (double)logit - Maximum - LogSum;

    /// <summary>Reads one row of logits.</summary>
    /// <exception cref="ArgumentException">The row is empty.</exception>
    public static LogNormaliser Of(ReadOnlySpan<float> logits)
    {
        float maximum = FindMaximum(logits);
        double sum = 0;
        var maximumLanes = new Vector<double>(maximum);
        Vector<double> sumLanes = Vector<double>.Zero;
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        foreach (Vector<float> vector in vectors)
        {
            Vector.Widen(vector, out Vector<double> low, out Vector<double> high);
            sumLanes += Vector.Exp(low - maximumLanes) + Vector.Exp(high - maximumLanes);
        }
        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
            sum += Math.Exp((double)logit - maximum);
        return new LogNormaliser(IndexOf(logits, maximum), maximum, Math.Log(sum + Vector.Sum(sumLanes)));
    }

    private static float FindMaximum(ReadOnlySpan<float> logits)
    {
        if (logits.IsEmpty)
            throw new ArgumentException("A row of logits cannot be empty.", nameof(logits));
        float maximum = float.NegativeInfinity;
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        if (!vectors.IsEmpty)
        {
            Vector<float> lanes = vectors[0];
            foreach (Vector<float> vector in vectors[1..])
                lanes = Vector.Max(lanes, vector);
            for (int i = 0; i < Vector<float>.Count; i++)
                maximum = MathF.Max(maximum, lanes[i]);
        }
        foreach (float logit in logits[(vectors.Length * Vector<float>.Count)..])
            maximum = MathF.Max(maximum, logit);
        return maximum;
    }

    private static int IndexOf(ReadOnlySpan<float> logits, float value)
    {
        var wanted = new Vector<float>(value);
        ReadOnlySpan<Vector<float>> vectors = MemoryMarshal.Cast<float, Vector<float>>(logits);
        int start = vectors.Length * Vector<float>.Count;
        for (int i = 0; i < vectors.Length; i++)
        {
            if (Vector.EqualsAny(vectors[i], wanted))
            {
                start = i * Vector<float>.Count;
                break;
            }
        }
        for (int i = start; i < logits.Length; i++)
        {
            if (logits[i] == value)
                return i;
        }
        return -1;
    }
}
