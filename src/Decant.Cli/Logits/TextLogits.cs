using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Cli.Logits;

/// <summary>A model that continues texts: <c>logits</c> [tokens, vocabulary].</summary>
internal sealed class TextLogits : LogitsSource
{
    private readonly IReadOnlyList<LogitsInput> inputs;
    private readonly ILanguageModel loaded;
    private readonly ILanguageModelSession session;

    /// <summary>Makes it ready.</summary>
    public TextLogits(Model model, IReadOnlyList<LogitsInput> inputs, DecoderOptions options, CancellationToken cancellationToken)
    {
        this.inputs = inputs;
        loaded = LanguageModels.Load(model, options, cancellationToken);
        try
        {
            session = loaded.StartSession(inputs.Max(input => input.Ids.Length));
        }
        catch
        {
            loaded.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public override string KernelName => loaded.KernelName;

    /// <inheritdoc/>
    public override IEnumerable<(string Name, TensorShape Shape)> TensorsOf(int sequence) =>
        [("logits", new TensorShape(inputs[sequence].Ids.Length, loaded.VocabularySize))];

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
        loaded.Dispose();
    }
}
