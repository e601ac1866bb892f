using System.Security.Cryptography;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Compression.Pipeline;

/// <summary>A file or folder of which every byte's place is known before the first is written, and the tensors that are converted into it.</summary>
internal abstract class ConversionTarget
{
    /// <summary>The work, tensor by tensor, in the order of the output.</summary>
    public abstract IReadOnlyList<TensorConversion> Conversions { get; }

    /// <summary>The length of the files with weights.</summary>
    public abstract long ByteCount { get; }

    /// <summary>Says what is wrong with a path before anything is written.</summary>
    /// <exception cref="UsageException">The output exists and may not be replaced, or is an input.</exception>
    /// <exception cref="BadFileException">There is no folder, or no room.</exception>
    public abstract void Check(string path, bool overwrite, IEnumerable<string> inputs);

    /// <summary>Opens what an earlier run left, or makes what is to be filled.</summary>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public abstract ResumableOutput Open(string path, bool overwrite);

    /// <summary>Where every conversion's bytes go.</summary>
    public abstract IReadOnlyList<TensorPlace> Places(ResumableOutput output);

    /// <summary>Writes all that is no tensor.</summary>
    /// <exception cref="BadFileException">The disk is full or fails.</exception>
    public abstract void WriteRest(ResumableOutput output);

    /// <summary>Adds what decides the output's bytes, beside the source.</summary>
    public abstract void AppendTo(IncrementalHash hash);
}
