using System.Collections.Immutable;
using Decant.Core.Architectures;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>
/// Cosines and sines of one <see cref="RopeSpec"/>, computed when a position is first needed. Frequencies, angles and table are single
/// precision, as in Hugging Face transformers.
/// <para>
/// Two scalings depend on how long the text is: dynamic NTK (the base grows) and longrope (another list of factors). The length that counts
/// is the number of tokens in the cache at the end of the call, so a text run in one call gives what transformers gives without a cache.
/// Keys that an earlier call stored keep the rotation they were stored with, which is what transformers does with a cache; text continued
/// step by step past the original context therefore differs from the same text recomputed, for these two scalings only.
/// </para>
/// </summary>
internal sealed unsafe class RotaryTable : IDisposable
{
    private readonly RopeSpec spec;
    private AlignedBuffer? table;
    private int filledFrom;
    private int filledTo;
    private float[] frequencies;
    private float attentionFactor = 1;
    private int preparedVariant = -1;

    /// <summary>Creates an empty table.</summary>
    public RotaryTable(RopeSpec spec)
    {
        this.spec = spec;
        frequencies = [];
        ValuesPerPosition = spec.Pairing == RopePairing.Half ? spec.RotaryCount / 2 : spec.RotaryCount;
    }

    /// <summary>The spec this table is for.</summary>
    public RopeSpec Spec => spec;

    /// <summary>Elements of the cosine row of a position; the sine row is as long.</summary>
    public int ValuesPerPosition { get; }

    /// <summary>Makes the positions of a call readable.</summary>
    /// <param name="firstPosition">The first position of the call.</param>
    /// <param name="textLength">The length of the text after the call.</param>
    public void Prepare(int firstPosition, int textLength)
    {
        int variant = Variant(textLength);
        if (variant != preparedVariant || firstPosition < filledFrom)
        {
            (frequencies, attentionFactor) = Frequencies(spec, textLength);
            preparedVariant = variant;
            filledFrom = filledTo = firstPosition;
        }
        if (textLength <= filledTo)
            return;
        Reserve(textLength);
        for (int position = filledTo; position < textLength; position++)
            Fill(position);
        filledTo = textLength;
    }

    /// <summary>Makes room for so many positions.</summary>
    public void Reserve(int positionCount)
    {
        long rowByteCount = 2L * ValuesPerPosition * sizeof(float);
        if (table is not null && table.ByteCount >= positionCount * rowByteCount)
            return;
        var larger = new AlignedBuffer(positionCount * rowByteCount, "The table of rotary angles", "Use a shorter context (--context).");
        if (table is not null)
        {
            Buffer.MemoryCopy(table.Pointer, larger.Pointer, larger.ByteCount, filledTo * rowByteCount);
            table.Dispose();
        }
        table = larger;
    }

    /// <summary>The cosines of a position.</summary>
    public float* Cosines(int position) => table!.Floats + 2L * ValuesPerPosition * position;

    /// <summary>The sines of a position (with alternating sign for interleaved pairing).</summary>
    public float* Sines(int position) => Cosines(position) + ValuesPerPosition;

    /// <inheritdoc/>
    public void Dispose() => table?.Dispose();

    /// <summary>
    /// The frequencies [rotary / 2] of a text of this length, and the factor on cosines and sines. Formulas: Chen et al. 2023 (linear),
    /// bloc97 2023 (dynamic NTK), Meta's Llama 3.1 (bands), Peng et al. 2023 (YaRN), Ding et al. 2024 (longrope).
    /// </summary>
    internal static (float[] Frequencies, float AttentionFactor) Frequencies(RopeSpec spec, int textLength)
    {
        int count = spec.RotaryCount / 2;
        var plain = new float[count];
        for (int i = 0; i < count; i++)
            plain[i] = PlainFrequency(spec.Base, i, spec.RotaryCount);
        switch (spec.Scaling)
        {
            case RopeScaling.NoScaling:
                return (plain, 1);
            case RopeScaling.Linear linear:
                return ([.. plain.Select(f => (float)(f / linear.Factor))], 1);
            case RopeScaling.DynamicNtk dynamic:
                if (textLength <= dynamic.OriginalContext)
                    return (plain, 1);
                double growth = dynamic.Factor * textLength / dynamic.OriginalContext - (dynamic.Factor - 1);
                double newBase = spec.Base * Math.Pow(growth, spec.RotaryCount / (spec.RotaryCount - 2.0));
                return ([.. Enumerable.Range(0, count).Select(i => PlainFrequency(newBase, i, spec.RotaryCount))], 1);
            case RopeScaling.Llama3 bands:
                return ([.. plain.Select(f => (float)BandFrequency(f, bands))], 1);
            case RopeScaling.Yarn yarn:
                return (YarnFrequencies(spec, yarn, plain), (float)yarn.AttentionFactor);
            case RopeScaling.LongRope lists:
                ImmutableArray<float> factors = textLength <= lists.OriginalContext ? lists.ShortFactors : lists.LongFactors;
                return ([.. plain.Select((f, i) => f / factors[i])], (float)lists.AttentionFactor);
            case RopeScaling.FrequencyDivisors divisors:
                return ([.. plain.Select((f, i) => f / divisors.Divisors[i])], 1);
            default:
                throw new NotSupportedException($"The engine has no rotary scaling {spec.Scaling.GetType().Name}.");
        }
    }

    private int Variant(int textLength) => spec.Scaling switch
    {
        RopeScaling.DynamicNtk dynamic => textLength <= dynamic.OriginalContext ? 0 : textLength,
        RopeScaling.LongRope lists => textLength <= lists.OriginalContext ? 0 : 1,
        _ => 0,
    };

    private static float PlainFrequency(double @base, int index, int rotaryCount) => (float)(1 / Math.Pow(@base, 2.0 * index / rotaryCount));

    private static double BandFrequency(double frequency, RopeScaling.Llama3 bands)
    {
        double wavelength = 2 * Math.PI / frequency;
        if (wavelength > bands.OriginalContext / bands.LowFrequencyFactor)
            return frequency / bands.Factor;
        if (wavelength < bands.OriginalContext / bands.HighFrequencyFactor)
            return frequency;
        double kept = (bands.OriginalContext / wavelength - bands.LowFrequencyFactor) / (bands.HighFrequencyFactor - bands.LowFrequencyFactor);
        return (1 - kept) * frequency / bands.Factor + kept * frequency;
    }

    private static float[] YarnFrequencies(RopeSpec spec, RopeScaling.Yarn yarn, float[] plain)
    {
        // The dimension whose frequency turns that many times within the original context.
        double DimensionOf(double rotations) =>
            spec.RotaryCount * Math.Log(yarn.OriginalContext / (rotations * 2 * Math.PI)) / (2 * Math.Log(spec.Base));
        double low = DimensionOf(yarn.BetaFast);
        double high = DimensionOf(yarn.BetaSlow);
        if (yarn.Truncate)
            (low, high) = (Math.Floor(low), Math.Ceiling(high));
        low = Math.Max(low, 0);
        high = Math.Min(high, spec.RotaryCount - 1);
        if (low == high)
            high += 0.001;
        var result = new float[plain.Length];
        for (int i = 0; i < plain.Length; i++)
        {
            double divided = Math.Clamp((i - low) / (high - low), 0, 1);
            result[i] = (float)(plain[i] / yarn.Factor * divided + plain[i] * (1 - divided));
        }
        return result;
    }

    private void Fill(int position)
    {
        float* cosines = Cosines(position);
        float* sines = Sines(position);
        for (int i = 0; i < frequencies.Length; i++)
        {
            float angle = position * frequencies[i];
            float cosine = (float)Math.Cos(angle) * attentionFactor;
            float sine = (float)Math.Sin(angle) * attentionFactor;
            if (spec.Pairing == RopePairing.Half)
            {
                cosines[i] = cosine;
                sines[i] = sine;
            }
            else
            {
                cosines[2 * i] = cosine;
                cosines[2 * i + 1] = cosine;
                sines[2 * i] = -sine;
                sines[2 * i + 1] = sine;
            }
        }
    }
}
