using Decant.Engine.Inference;

namespace Decant.Engine.Measurement;

/// <summary>What a model has to do at least for some tokens: what its time is compared with (see <see cref="Roofline"/>).</summary>
/// <param name="OperationCount">Operations of products with weights; a multiply–add is two. Attention and whatever else comes on top.</param>
/// <param name="ByteCount">Bytes of weights and of what is remembered of the text that come from memory.</param>
/// <param name="RoundedOperationCount">Those of the operations that are made in whole numbers, on activations of 8 bits.</param>
/// <param name="PairOperationCount">Those that are made in whole numbers on activations of 16 bits; the others are single precision's.</param>
public readonly record struct DecoderWork(double OperationCount, double ByteCount, double RoundedOperationCount = 0, double PairOperationCount = 0)
{
    /// <summary>Reading a prompt in one call, with the logits of its last token: weights are read once for a batch of tokens.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenCount">Tokens of the prompt.</param>
    public static DecoderWork OfPrompt(ILanguageModel model, int tokenCount)
    {
        ArgumentNullException.ThrowIfNull(model);
        WeightWork work = model.WeightWork;
        int together = Math.Min(tokenCount, model.BatchLength);
        double passes = Math.Ceiling((double)tokenCount / model.BatchLength);
        return new DecoderWork(
            2 * (work.BlockMultiplyAdds * tokenCount + work.HeadMultiplyAdds),
            passes * work.ByteCount,
            2 * (work.BlockMultiplyAddsOf(8, together) * tokenCount + work.RoundedHeadMultiplyAdds),
            2 * work.BlockMultiplyAddsOf(16, together) * tokenCount);
    }

    /// <summary>Writing tokens one by one: every token reads the weights, and what is remembered of all tokens up to itself.</summary>
    /// <param name="model">The model.</param>
    /// <param name="rememberedBytes">Bytes that are remembered of a text of so many tokens (<see cref="ILanguageModelSession.RememberedByteCount"/>).</param>
    /// <param name="tokensBefore">Tokens of the text before the first.</param>
    /// <param name="tokenCount">Tokens written.</param>
    public static DecoderWork OfWriting(ILanguageModel model, Func<int, double> rememberedBytes, int tokensBefore, int tokenCount)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(rememberedBytes);
        WeightWork work = model.WeightWork;
        double computed = 0, remembered = 0;
        for (int length = tokensBefore + 1; length <= tokensBefore + tokenCount; length++)
        {
            computed += model.ComputesWholeText ? length : 1;
            remembered += rememberedBytes(length);
        }
        return new DecoderWork(
            2 * (work.BlockMultiplyAdds * computed + work.HeadMultiplyAdds * tokenCount),
            work.ByteCount * tokenCount + remembered,
            2 * (work.BlockMultiplyAddsOf(8, 1) * computed + work.RoundedHeadMultiplyAdds * tokenCount));
    }
}
