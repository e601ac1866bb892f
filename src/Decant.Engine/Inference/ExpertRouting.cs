using Decant.Core.Architectures;

namespace Decant.Engine.Inference;

/// <summary>Which experts each token goes to, and with what weight.</summary>
internal sealed class ExpertRouting
{
    private readonly ExpertsSpec spec;
    private readonly float[] choiceBias;
    private readonly float[] probabilities;
    private readonly float[] merits;
    private int[] chosen = [];
    private float[] weights = [];
    private int tokenCount;

    /// <summary>Creates an empty routing.</summary>
    /// <param name="spec">The experts.</param>
    /// <param name="choiceBias">What is added to their scores for the choice; empty for nothing.</param>
    public ExpertRouting(ExpertsSpec spec, float[] choiceBias)
    {
        this.spec = spec;
        this.choiceBias = choiceBias;
        probabilities = new float[spec.Count];
        merits = new float[spec.Count];
    }

    /// <summary>
    /// The experts' scores, then the <see cref="ExpertsSpec.UsedCount"/> best; among equals the expert of lower index.
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

    private void RouteToken(ReadOnlySpan<float> outputs, Span<int> experts, Span<float> expertWeights)
    {
        Score(outputs);
        probabilities.CopyTo(merits, 0);
        for (int expert = 0; expert < choiceBias.Length; expert++)
            merits[expert] += choiceBias[expert];
        if (spec.Groups is { } groups)
            KeepBestGroups(groups);
        float chosenSum = 0;
        for (int slot = 0; slot < experts.Length; slot++)
        {
            int best = -1;
            for (int expert = 0; expert < merits.Length; expert++)
            {
                if (!experts[..slot].Contains(expert) && (best < 0 || merits[expert] > merits[best]))
                    best = expert;
            }
            experts[slot] = best;
            expertWeights[slot] = probabilities[best];
            chosenSum += expertWeights[slot];
        }
        float factor = spec.Renormalise ? spec.Scale / chosenSum : spec.Scale;
        foreach (ref float weight in expertWeights)
            weight *= factor;
    }

    private void Score(ReadOnlySpan<float> outputs)
    {
        if (spec.Scoring == ExpertScoring.Sigmoid)
        {
            for (int expert = 0; expert < outputs.Length; expert++)
                probabilities[expert] = 1 / (1 + MathF.Exp(-outputs[expert]));
            return;
        }
        float largest = float.NegativeInfinity;
        foreach (float output in outputs)
            largest = MathF.Max(largest, output);
        float sum = 0;
        for (int expert = 0; expert < outputs.Length; expert++)
            sum += probabilities[expert] = MathF.Exp(outputs[expert] - largest);
        foreach (ref float probability in probabilities.AsSpan())
            probability /= sum;
    }

    // Experts of other groups are not left out but worth nothing, as in the reference: with biases below zero one of them may still be chosen.
    private void KeepBestGroups(ExpertGroupsSpec groups)
    {
        int size = merits.Length / groups.Count;
        Span<float> worths = stackalloc float[Math.Min(groups.Count, 256)];
        if (groups.Count > worths.Length)
            worths = new float[groups.Count];
        for (int group = 0; group < groups.Count; group++)
        {
            float first = float.NegativeInfinity, second = float.NegativeInfinity;
            foreach (float merit in merits.AsSpan(group * size, size))
                (first, second) = merit > first ? (merit, first) : (first, MathF.Max(second, merit));
            worths[group] = groups.SumsTopTwo ? first + second : first;
        }
        for (int kept = 0; kept < groups.UsedCount; kept++)
        {
            int best = -1;
            for (int group = 0; group < groups.Count; group++)
            {
                if (!float.IsNaN(worths[group]) && (best < 0 || worths[group] > worths[best]))
                    best = group;
            }
            worths[best] = float.NaN;
        }
        for (int group = 0; group < groups.Count; group++)
        {
            if (!float.IsNaN(worths[group]))
                merits.AsSpan(group * size, size).Clear();
        }
    }
}
