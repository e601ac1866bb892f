using System.Numerics;
using System.Runtime.InteropServices;
using Decant.Evaluation.Statistics;

namespace Decant.Evaluation.Divergence;

/// <summary>How two models' predictions at one position differ.</summary>
/// <param name="Divergence">KL(reference ‖ candidate) over the whole vocabulary, nats, never negative.</param>
/// <param name="Reference">Normaliser of the reference's logits.</param>
/// <param name="Candidate">Normaliser of the candidate's logits.</param>
public readonly record struct DistributionComparison(double Divergence, LogNormaliser Reference, LogNormaliser Candidate)
{
    /// <summary>True if both rank the same token first.</summary>
    public bool SameTop => Reference.Top == Candidate.Top;

    /// <summary>
    /// Compares two rows of logits, x of the reference and y of the candidate. With p = softmax(x):
    /// <c>KL = Σ p_i (ln p_i − ln q_i) = Σ p_i (x_i − y_i) − (lse(x) − lse(y))</c>, all sums in double precision, no cut-off. Equal rows give exactly 0.
    /// </summary>
    /// <exception cref="ArgumentException">The rows differ in length or are empty.</exception>
    public static DistributionComparison Of(ReadOnlySpan<float> reference, ReadOnlySpan<float> candidate)
    {
        if (reference.Length != candidate.Length)
            throw new ArgumentException($"{reference.Length} logits cannot be compared with {candidate.Length}.", nameof(candidate));
        LogNormaliser x = LogNormaliser.Of(reference);
        LogNormaliser y = LogNormaliser.Of(candidate);
        double weighted = 0;
        var maximum = new Vector<double>(x.Maximum);
        Vector<double> weightedLanes = Vector<double>.Zero;
        ReadOnlySpan<Vector<float>> xs = MemoryMarshal.Cast<float, Vector<float>>(reference);
        ReadOnlySpan<Vector<float>> ys = MemoryMarshal.Cast<float, Vector<float>>(candidate);
        for (int i = 0; i < xs.Length; i++)
        {
            Vector.Widen(xs[i], out Vector<double> xLow, out Vector<double> xHigh);
            Vector.Widen(ys[i], out Vector<double> yLow, out Vector<double> yHigh);
            weightedLanes += Vector.Exp(xLow - maximum) * (xLow - yLow) + Vector.Exp(xHigh - maximum) * (xHigh - yHigh);
        }
        for (int i = xs.Length * Vector<float>.Count; i < reference.Length; i++)
            weighted += Math.Exp((double)reference[i] - x.Maximum) * ((double)reference[i] - candidate[i]);
        double mean = (weighted + Vector.Sum(weightedLanes)) / Math.Exp(x.LogSum);
        double divergence = mean - (x.Maximum + x.LogSum - (y.Maximum + y.LogSum));
        // Rounding can leave −1e-16 where the rows nearly agree; a divergence is never negative.
        return new DistributionComparison(divergence < 0 ? 0 : divergence, x, y);
    }
}
