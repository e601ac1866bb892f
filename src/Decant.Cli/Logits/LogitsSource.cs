using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Tensors;
using Decant.Engine.Inference;

namespace Decant.Cli.Logits;

/// <summary>A model of any kind, as <c>decant logits</c> sees it: sequences in, named tensors out.</summary>
internal abstract class LogitsSource : IDisposable
{
    /// <summary>The kernel level in use.</summary>
    public abstract string KernelName { get; }

    /// <summary>Makes a model ready to run.</summary>
    /// <param name="model">The model.</param>
    /// <param name="inputs">The sequences.</param>
    /// <param name="options">How to run it.</param>
    /// <param name="cancellationToken">Stops loading.</param>
    /// <exception cref="NotSupportedModelException">The engine runs no such model.</exception>
    public static LogitsSource Load(Model model, IReadOnlyList<LogitsInput> inputs, DecoderOptions options, CancellationToken cancellationToken) => model switch
    {
        EncoderModel encoder => new EncoderLogits(encoder, inputs, options, cancellationToken),
        EncoderDecoderModel both => new EncoderDecoderLogits(both, inputs, options, cancellationToken),
        _ => new TextLogits(model, inputs, options, cancellationToken),
    };

    /// <summary>The tensors of a sequence: what they are called without its number, and their shapes.</summary>
    public abstract IEnumerable<(string Name, TensorShape Shape)> TensorsOf(int sequence);

    /// <summary>Computes a tensor row by row.</summary>
    /// <param name="sequence">Which sequence.</param>
    /// <param name="name">Which of its tensors.</param>
    /// <param name="write">Receives the rows in order.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    public abstract void Compute(int sequence, string name, RowWriter write, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract void Dispose();

    /// <summary>Receives a row.</summary>
    /// <param name="row">Valid during the call only.</param>
    public delegate void RowWriter(ReadOnlySpan<float> row);
}
