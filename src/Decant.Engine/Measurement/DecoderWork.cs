using Decant.Engine.Inference;

namespace Decant.Engine.Measurement;

/// <summary>What a model has to do at least for some tokens: what its time is compared with (see <see cref="Roofline"/>).</summary>
/// <param name="OperationCount">Operations of products with weights; a multiply–add is two. Attention and whatever else comes on top.</param>
/// <param name="ByteCount">Bytes of weights, keys and values that come from memory.</param>
/// <param name="RoundedOperationCount">Those of the operations that are made in whole numbers, on activations of 8 bits.</param>
/// <param name="PairOperationCount">Those that are made in whole numbers on activations of 16 bits; the others are single precision's.</param>
public readonly record struct DecoderWork(double OperationCount, double ByteCount, double RoundedOperationCount = 0, double PairOperationCount = 0)
{
    /// <summary>Reading a prompt in one call, with the logits of its last token: weights are read once for a batch of tokens.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="tokenCount">Tokens of the prompt.</param>
    public static DecoderWork OfPrompt(Decoder decoder, int tokenCount)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        int together = Math.Min(tokenCount, decoder.BatchLength);
        double passes = (tokenCount + decoder.BatchLength - 1) / decoder.BatchLength;
        return new DecoderWork(
            2 * ((decoder.MultiplyAddsPerToken - decoder.HeadMultiplyAdds) * tokenCount + decoder.HeadMultiplyAdds),
            passes * decoder.WeightBytesPerToken,
            2 * (decoder.MultiplyAddsOf(8, together) * tokenCount + decoder.RoundedHeadMultiplyAdds),
            2 * decoder.MultiplyAddsOf(16, together) * tokenCount);
    }

    /// <summary>Writing tokens one by one: every token reads the weights, and the keys and values of all tokens up to itself.</summary>
    /// <param name="decoder">The model.</param>
    /// <param name="cacheBytesPerToken">Keys and values of one token.</param>
    /// <param name="tokensBefore">Tokens in the cache before the first.</param>
    /// <param name="tokenCount">Tokens written.</param>
    public static DecoderWork OfWriting(Decoder decoder, double cacheBytesPerToken, int tokensBefore, int tokenCount)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        double tokensRead = tokenCount * (tokensBefore + (tokenCount + 1) / 2.0);
        return new DecoderWork(
            2 * decoder.MultiplyAddsPerToken * tokenCount,
            decoder.WeightBytesPerToken * tokenCount + cacheBytesPerToken * tokensRead,
            2 * (decoder.MultiplyAddsOf(8, 1) + decoder.RoundedHeadMultiplyAdds) * tokenCount);
    }
}
