using Decant.Core.Architectures;

namespace Decant.Engine.Inference.Encoders;

/// <summary>The hidden states of a text, behind the last block and its norm.</summary>
public sealed class EncoderOutput
{
    private readonly float[] hiddenStates;
    private readonly bool[] mask;

    internal EncoderOutput(int hiddenSize, float[] hiddenStates, bool[] mask)
    {
        HiddenSize = hiddenSize;
        this.hiddenStates = hiddenStates;
        this.mask = mask;
    }

    /// <summary>Tokens, padding included.</summary>
    public int Length => mask.Length;

    /// <summary>Elements of a hidden state.</summary>
    public int HiddenSize { get; }

    /// <summary>[tokens, hidden size]; rows of padding are zero, but for the first one's where classes are told by it.</summary>
    public ReadOnlySpan<float> HiddenStates => hiddenStates;

    /// <summary>False for padding.</summary>
    public ReadOnlySpan<bool> Mask => mask;

    /// <summary>The hidden state of a token.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such token.</exception>
    public ReadOnlySpan<float> At(int position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(position, Length);
        return hiddenStates.AsSpan(position * HiddenSize, HiddenSize);
    }

    /// <summary>
    /// One vector for the text: what sentence embeddings are made of. <see cref="Pooling.First"/> takes the token of index 0, as the reference does, even if it
    /// is padding.
    /// </summary>
    public float[] Pool(Pooling pooling)
    {
        if (pooling == Pooling.First)
            return At(0).ToArray();
        var sums = new double[HiddenSize];
        int count = 0;
        for (int position = 0; position < Length; position++)
        {
            if (!mask[position])
                continue;
            count++;
            ReadOnlySpan<float> row = At(position);
            for (int i = 0; i < sums.Length; i++)
                sums[i] += row[i];
        }
        return [.. sums.Select(sum => (float)(sum / count))];
    }
}
