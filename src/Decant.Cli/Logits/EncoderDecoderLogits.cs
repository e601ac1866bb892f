using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;

namespace Decant.Cli.Logits;

/// <summary>An encoder–decoder: the encoder's <c>hidden_states</c> [tokens, hidden] and the decoder's <c>logits</c> [decoder tokens, vocabulary].</summary>
internal sealed class EncoderDecoderLogits : LogitsSource
{
    private const string HiddenStates = "hidden_states", Logits = "logits";

    private readonly IReadOnlyList<LogitsInput> inputs;
    private readonly EncoderDecoder model;

    /// <summary>Makes it ready.</summary>
    public EncoderDecoderLogits(EncoderDecoderModel model, IReadOnlyList<LogitsInput> inputs, DecoderOptions options, CancellationToken cancellationToken)
    {
        this.model = EncoderDecoder.Load(model, options, cancellationToken);
        this.inputs = [.. inputs.Select(input => input.DecoderIds.Length > 0 ? input : input with { DecoderIds = [model.Spec.DecoderStartId] })];
    }

    /// <inheritdoc/>
    public override string KernelName => model.KernelName;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, TensorShape Shape)> TensorsOf(int sequence) =>
    [
        (HiddenStates, new TensorShape(inputs[sequence].Ids.Length, model.Spec.HiddenSize)),
        (Logits, new TensorShape(inputs[sequence].DecoderIds.Length, model.Spec.VocabularySize)),
    ];

    /// <inheritdoc/>
    public override void Compute(int sequence, string name, RowWriter write, CancellationToken cancellationToken)
    {
        LogitsInput input = inputs[sequence];
        EncoderOutput output = model.Encode(input.Ids, input.Mask, cancellationToken);
        if (name == HiddenStates)
        {
            for (int position = 0; position < output.Length; position++)
                write(output.At(position));
            return;
        }
        using DecoderSession session = model.StartSession(output, input.DecoderIds.Length, cancellationToken);
        session.Score(input.DecoderIds, 0, (_, logits) => write(logits), cancellationToken);
    }

    /// <inheritdoc/>
    public override void Dispose() => model.Dispose();
}
