using System.Security.Cryptography;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Verification;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>What a compression will write, known from headers alone.</summary>
internal abstract class PlannedOutput
{
    /// <summary>Begins a plan.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="facts">What rules about types ask of the model.</param>
    protected PlannedOutput(CompressionRequest request, MixtureModel facts)
    {
        Request = request;
        Chooser = new MixtureChooser(request.Type, facts, request.Importance is not null, request.Overrides);
    }

    /// <summary>What chose the formats.</summary>
    public MixtureChooser Chooser { get; }

    /// <summary>What gets a format, in the order of the output, with the one that it gets.</summary>
    public abstract IReadOnlyList<TensorChoice> Choices { get; }

    /// <summary>What the user should know of the model in this container.</summary>
    public abstract IReadOnlyList<string> Notices { get; }

    /// <summary>What is to be filled.</summary>
    public abstract ConversionTarget Target { get; }

    /// <summary>Bytes of the tensors as the output stores them.</summary>
    public abstract long TensorByteCount { get; }

    /// <summary>The part of it that is no weights.</summary>
    public abstract long HeaderByteCount { get; }

    /// <summary>What the output should hold, for verification.</summary>
    public abstract Expectation Expected { get; }

    /// <summary>What was asked for.</summary>
    protected CompressionRequest Request { get; }

    /// <summary>Adds what decides the output's bytes, beside the source and importance values.</summary>
    public abstract void AppendTo(IncrementalHash hash);

    /// <summary>The importance values of a tensor, read when its turn comes, or null.</summary>
    protected Func<float[]?>? ImportanceOf(TensorChoice choice) =>
        Request.Importance is { } importance && choice.Target.UsesImportance ? () => importance.WeightsFor(choice.Source) : null;
}
