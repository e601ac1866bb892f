using System.Security.Cryptography;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Verification;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>What a compression will write, known from headers alone.</summary>
internal abstract class PlannedOutput
{
    /// <summary>What rules about types ask of the model.</summary>
    public abstract MixtureModel Facts { get; }

    /// <summary>What gets a type, in the order of the output, as it is stored now.</summary>
    public abstract IReadOnlyList<TensorInfo> Tensors { get; }

    /// <summary>What the user should know of the model in this container.</summary>
    public abstract IReadOnlyList<string> Notices { get; }

    /// <summary>What is to be filled, once formats are chosen.</summary>
    public abstract ConversionTarget Target { get; }

    /// <summary>Bytes of the tensors as the output stores them.</summary>
    public abstract long TensorByteCount { get; }

    /// <summary>The part of it that is no weights.</summary>
    public abstract long HeaderByteCount { get; }

    /// <summary>What the output should hold, for verification.</summary>
    public abstract Expectation Expected { get; }

    /// <summary>Gives every tensor its format; what comes before is known without.</summary>
    public abstract IReadOnlyList<TensorChoice> Choose(MixtureChooser chooser, CompressionRequest request);

    /// <summary>Adds what decides the output's bytes, beside the source and importance values.</summary>
    public abstract void AppendTo(IncrementalHash hash);

    /// <summary>The importance values of a tensor, read when its turn comes, or null.</summary>
    protected static Func<float[]?>? ImportanceOf(CompressionRequest request, TensorChoice choice) =>
        request.Importance is { } importance && choice.Target.UsesImportance ? () => importance.WeightsFor(choice.Source) : null;
}
