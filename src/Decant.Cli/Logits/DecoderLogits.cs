using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Cli.Logits;

/// <summary>A decoder: <c>logits</c> [tokens, vocabulary].</summary>
internal sealed class DecoderLogits : LogitsSource
{
    private readonly IReadOnlyList<LogitsInput> inputs;
    private readonly Decoder decoder;
    private readonly DecoderSession session;

    /// <summary>Makes it ready.</summary>
    public DecoderLogits(DecoderModel model, IReadOnlyList<LogitsInput> inputs, DecoderOptions options, CancellationToken cancellationToken)
    {
        this.inputs = inputs;
        decoder = Decoder.Load(model, options, cancellationToken);
        try
        {
            session = decoder.StartSession(inputs.Max(input => input.Ids.Length));
        }
        catch
        {
            decoder.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string KernelName => decoder.KernelName;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, TensorShape Shape)> TensorsOf(int sequence) =>
        [("logits", new TensorShape(inputs[sequence].Ids.Length, decoder.Spec.VocabularySize))];

    /// <inheritdoc/>
    public override void Compute(int sequence, string name, RowWriter write, CancellationToken cancellationToken)
    {
        session.Reset();
        session.Score(inputs[sequence].Ids, 0, (_, logits) => write(logits), cancellationToken);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        session.Dispose();
        decoder.Dispose();
    }
}
