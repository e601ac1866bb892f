using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;

namespace Decant.Cli.Logits;

/// <summary>
/// An encoder: <c>hidden_states</c> [tokens, hidden], and <c>logits</c> [tokens, vocabulary] [classes], or [tokens, classes] where the checkpoint has such a head.
/// </summary>
internal sealed class EncoderLogits : LogitsSource
{
    private const string HiddenStates = "hidden_states", Logits = "logits";

    private readonly IReadOnlyList<LogitsInput> inputs;
    private readonly Encoder encoder;
    private (int Sequence, EncoderOutput Output)? last;

    /// <summary>Makes it ready.</summary>
    public EncoderLogits(EncoderModel model, IReadOnlyList<LogitsInput> inputs, DecoderOptions options, CancellationToken cancellationToken)
    {
        this.inputs = inputs;
        encoder = Encoder.Load(model, options, cancellationToken);
    }

    /// <inheritdoc/>
    public override string KernelName => encoder.KernelName;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, TensorShape Shape)> TensorsOf(int sequence)
    {
        int length = inputs[sequence].Ids.Length;
        yield return (HiddenStates, new TensorShape(length, encoder.Spec.HiddenSize));
        if (encoder.Spec.ClassCount is { } classes)
            yield return (Logits, encoder.Spec.ClassifiesTokens ? new TensorShape(length, classes) : new TensorShape(classes));
        else if (encoder.Spec.TokenHead is not null)
            yield return (Logits, new TensorShape(length, encoder.Spec.VocabularySize));
    }

    /// <inheritdoc/>
    public override void Compute(int sequence, string name, RowWriter write, CancellationToken cancellationToken)
    {
        EncoderOutput output = Encode(sequence, cancellationToken);
        if (name == HiddenStates)
        {
            for (int position = 0; position < output.Length; position++)
                write(output.At(position));
        }
        else if (encoder.Spec.ClassifiesTokens)
        {
            encoder.ScoreTokenClasses(output, (_, logits) => write(logits), cancellationToken);
        }
        else if (encoder.Spec.ClassCount is not null)
        {
            write(encoder.ScoreClasses(output, cancellationToken));
        }
        else
        {
            encoder.ScoreTokens(output, [], (_, logits) => write(logits), cancellationToken);
        }
    }

    /// <inheritdoc/>
    public override void Dispose() => encoder.Dispose();

    private EncoderOutput Encode(int sequence, CancellationToken cancellationToken)
    {
        if (last is { } kept && kept.Sequence == sequence)
            return kept.Output;
        LogitsInput input = inputs[sequence];
        EncoderOutput output = encoder.Encode(input.Ids, input.Mask, input.Types, cancellationToken);
        last = (sequence, output);
        return output;
    }
}
