using Decant.Core.Errors;

namespace Decant.Engine.Inference;

/// <summary>How the next token is drawn. The steps are applied in the order of the properties.</summary>
public sealed record SamplerOptions
{
    /// <summary>
    /// Logits of tokens among the last <see cref="RepetitionWindow"/> are divided by this if positive, multiplied if negative (Keskar et al. 2019). 1 changes nothing.
    /// </summary>
    public float RepetitionPenalty { get; init; } = 1;

    /// <summary>How many of the latest tokens the penalty looks at.</summary>
    public int RepetitionWindow { get; init; } = 64;

    /// <summary>Only so many of the likeliest tokens are kept (Fan et al. 2018); 0 keeps all.</summary>
    public int TopK { get; init; } = 40;

    /// <summary>Only the likeliest tokens that together reach this probability are kept (Holtzman et al. 2020); 1 keeps all.</summary>
    public float TopP { get; init; } = 0.95f;

    /// <summary>Only tokens at least this fraction as likely as the likeliest are kept (Nguyen et al. 2024); 0 keeps all.</summary>
    public float MinP { get; init; } = 0.05f;

    /// <summary>Logits are divided by this before the draw; 0 takes the likeliest token (the lowest id among equals).</summary>
    public float Temperature { get; init; } = 0.8f;

    /// <summary>Seed of the draw; the same seed and logits give the same tokens.</summary>
    public ulong Seed { get; init; } = 1;

    /// <summary>Always the likeliest token.</summary>
    public static SamplerOptions Greedy { get; } = new() { Temperature = 0 };
}

/// <summary>
/// Draws tokens from logits: repetition penalty, top-k, top-p, min-p, temperature, in llama.cpp's order (probabilities for top-p and min-p are
/// those at temperature 1). Equal logits are ordered by id. Not safe for use from several threads.
/// </summary>
public sealed class Sampler
{
    private readonly SamplerOptions options;
    private float[] logits = [];
    private int[] candidates = [];
    private double[] probabilities = [];
    private ulong state;

    /// <summary>Creates a sampler.</summary>
    /// <exception cref="UsageException">An option is out of range.</exception>
    public Sampler(SamplerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        Require(options.Temperature >= 0 && float.IsFinite(options.Temperature), "temperature", "0 or more", options.Temperature);
        Require(options.TopK >= 0, "top-k", "0 (all) or more", options.TopK);
        Require(options.TopP is > 0 and <= 1, "top-p", "above 0 and at most 1", options.TopP);
        Require(options.MinP is >= 0 and <= 1, "min-p", "between 0 and 1", options.MinP);
        Require(options.RepetitionPenalty > 0 && float.IsFinite(options.RepetitionPenalty), "repetition penalty", "above 0", options.RepetitionPenalty);
        Require(options.RepetitionWindow >= 0, "repetition window", "0 or more", options.RepetitionWindow);
        this.options = options;
        state = options.Seed;
    }

    /// <summary>Draws one token.</summary>
    /// <param name="logits">One per token of the vocabulary; unchanged.</param>
    /// <param name="history">The tokens so far, prompt included, for the repetition penalty.</param>
    /// <exception cref="NumericalException">No logit is a number.</exception>
    public int Sample(ReadOnlySpan<float> logits, ReadOnlySpan<int> history)
    {
        if (logits.IsEmpty)
            throw new ArgumentException("There are no logits.", nameof(logits));
        ReadOnlySpan<float> penalised = Penalise(logits, history);
        if (options.Temperature == 0)
            return Largest(penalised);
        int count = Select(penalised);
        count = CutByProbability(penalised, count);
        return Draw(penalised, count);
    }

    private static void Require(bool holds, string option, string range, double got)
    {
        if (!holds)
            throw new UsageException(FormattableString.Invariant($"The {option} must be {range}, not {got}."));
    }

    private static int Largest(ReadOnlySpan<float> logits)
    {
        int best = -1;
        for (int id = 0; id < logits.Length; id++)
        {
            if (!float.IsNaN(logits[id]) && (best < 0 || logits[id] > logits[best]))
                best = id;
        }
        return best >= 0 ? best : throw NoNumbers();
    }

    private static NumericalException NoNumbers() => new("Every logit is NaN: the model's weights are damaged, or the activations overflowed.");

    private ReadOnlySpan<float> Penalise(ReadOnlySpan<float> original, ReadOnlySpan<int> history)
    {
        if (options.RepetitionPenalty == 1 || options.RepetitionWindow == 0 || history.IsEmpty)
            return original;
        if (logits.Length < original.Length)
            logits = new float[original.Length];
        original.CopyTo(logits);
        ReadOnlySpan<int> recent = history[Math.Max(0, history.Length - options.RepetitionWindow)..];
        for (int i = 0; i < recent.Length; i++)
        {
            int id = recent[i];
            if ((uint)id >= (uint)original.Length || recent[..i].Contains(id))
                continue;
            logits[id] = logits[id] > 0 ? logits[id] / options.RepetitionPenalty : logits[id] * options.RepetitionPenalty;
        }
        return logits.AsSpan(0, original.Length);
    }

    /// <summary>Fills <see cref="candidates"/> with the top-k ids, likeliest first, and returns how many.</summary>
    private int Select(ReadOnlySpan<float> values)
    {
        if (candidates.Length < values.Length)
        {
            candidates = new int[values.Length];
            probabilities = new double[values.Length];
        }
        int wanted = options.TopK == 0 ? values.Length : Math.Min(options.TopK, values.Length);
        int count = 0;
        if (wanted <= 256)
        {
            // Few of many: a sorted list, into which most ids do not get.
            for (int id = 0; id < values.Length; id++)
            {
                float value = values[id];
                if (float.IsNaN(value) || (count == wanted && !(value > values[candidates[count - 1]])))
                    continue;
                int place = count < wanted ? count++ : count - 1;
                for (; place > 0 && value > values[candidates[place - 1]]; place--)
                    candidates[place] = candidates[place - 1];
                candidates[place] = id;
            }
        }
        else
        {
            for (int id = 0; id < values.Length; id++)
            {
                if (!float.IsNaN(values[id]))
                {
                    candidates[count] = id;
                    probabilities[count++] = -values[id];
                }
            }
            // Unstable by value alone, so equal values are put in order of id afterwards.
            Array.Sort(probabilities, candidates, 0, count);
            for (int first = 0; first < count;)
            {
                int end = first + 1;
                while (end < count && probabilities[end] == probabilities[first])
                    end++;
                Array.Sort(candidates, first, end - first);
                first = end;
            }
            count = Math.Min(count, wanted);
        }
        return count > 0 ? count : throw NoNumbers();
    }

    private int CutByProbability(ReadOnlySpan<float> values, int count)
    {
        if (options.TopP >= 1 && options.MinP <= 0)
            return count;
        double total = 0;
        float largest = values[candidates[0]];
        for (int i = 0; i < count; i++)
        {
            probabilities[i] = Math.Exp((double)values[candidates[i]] - largest);
            total += probabilities[i];
        }
        if (options.TopP < 1)
        {
            double sum = 0;
            for (int i = 0; i < count; i++)
            {
                sum += probabilities[i];
                if (sum >= options.TopP * total)
                {
                    count = i + 1;
                    break;
                }
            }
        }
        while (count > 1 && probabilities[count - 1] < options.MinP * probabilities[0])
            count--;
        return count;
    }

    private int Draw(ReadOnlySpan<float> values, int count)
    {
        double total = 0;
        float largest = values[candidates[0]];
        for (int i = 0; i < count; i++)
        {
            // An infinite largest logit minus itself is no number; it is certain.
            double distance = values[candidates[i]] == largest ? 0 : ((double)values[candidates[i]] - largest) / options.Temperature;
            probabilities[i] = Math.Exp(distance);
            total += probabilities[i];
        }
        double target = NextUniform() * total;
        for (int i = 0; i < count - 1; i++)
        {
            target -= probabilities[i];
            if (target < 0)
                return candidates[i];
        }
        return candidates[count - 1];
    }

    /// <summary>A number in [0, 1) from SplitMix64 (Steele et al. 2014): the same on every platform and version.</summary>
    private double NextUniform()
    {
        state += 0x9E3779B97F4A7C15;
        ulong mixed = state;
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        mixed ^= mixed >> 31;
        return (mixed >> 11) * (1.0 / (1UL << 53));
    }
}
