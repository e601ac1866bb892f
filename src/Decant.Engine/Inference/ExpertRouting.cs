using Decant.Core.Architectures;

namespace Decant.Engine.Inference;

/// <summary>Which experts each token goes to, and with what weight.</summary>
internal sealed class ExpertRouting
{
    private readonly ExpertsSpec spec;
    private int[] chosen = [];
    private float[] weights = [];
    private int tokenCount;

    /// <summary>Creates an empty routing.</summary>
    public ExpertRouting(ExpertsSpec spec) => this.spec = spec;

    /// <summary>
    /// Softmax over all experts, then the <see cref="ExpertsSpec.UsedCount"/> largest; among equals the expert of lower index.
    /// </summary>
    /// <param name="scores">[tokens, experts].</param>
    /// <param name="tokenCount">Tokens.</param>
    public void Route(ReadOnlySpan<float> scores, int tokenCount)
    {
        this.tokenCount = tokenCount;
        int used = spec.UsedCount;
        if (chosen.Length < tokenCount * used)
        {
            chosen = new int[tokenCount * used];
            weights = new float[tokenCount * used];
        }
        for (int token = 0; token < tokenCount; token++)
            RouteToken(scores.Slice(token * spec.Count, spec.Count), chosen.AsSpan(token * used, used), weights.AsSpan(token * used, used));
    }

    /// <summary>The tokens that go to an expert, in order, with their weights.</summary>
    /// <returns>How many.</returns>
    public int Collect(int expert, Span<int> tokens, Span<float> tokenWeights)
    {
        int count = 0;
        for (int token = 0; token < tokenCount; token++)
        {
            for (int slot = 0; slot < spec.UsedCount; slot++)
            {
                if (chosen[token * spec.UsedCount + slot] != expert)
                    continue;
                tokens[count] = token;
                tokenWeights[count++] = weights[token * spec.UsedCount + slot];
            }
        }
        return count;
    }

    private void RouteToken(ReadOnlySpan<float> scores, Span<int> experts, Span<float> expertWeights)
    {
        float largest = float.NegativeInfinity;
        foreach (float score in scores)
            largest = MathF.Max(largest, score);
        float sum = 0;
        foreach (float score in scores)
            sum += MathF.Exp(score - largest);
        float chosenSum = 0;
        for (int slot = 0; slot < experts.Length; slot++)
        {
            int best = -1;
            for (int expert = 0; expert < scores.Length; expert++)
            {
                if (!experts[..slot].Contains(expert) && (best < 0 || scores[expert] > scores[best]))
                    best = expert;
            }
            experts[slot] = best;
            expertWeights[slot] = MathF.Exp(scores[best] - largest) / sum;
            chosenSum += expertWeights[slot];
        }
        if (spec.Renormalise)
        {
            foreach (ref float weight in expertWeights)
                weight /= chosenSum;
        }
    }
}
