using System.Security.Cryptography;
using Decant.Core.Files;

namespace Decant.Compression.Pipeline;

/// <summary>A GGUF file to be filled.</summary>
/// <param name="layout">Where everything stands.</param>
/// <param name="conversions">The tensors in the layout's order.</param>
internal sealed class FileTarget(GgufLayout layout, IReadOnlyList<TensorConversion> conversions) : ConversionTarget
{
    /// <inheritdoc/>
    public override IReadOnlyList<TensorConversion> Conversions => conversions;

    /// <inheritdoc/>
    public override long ByteCount => layout.ByteCount;

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite, IEnumerable<string> inputs) => FileOutput.Check(path, ByteCount, overwrite, inputs);

    /// <inheritdoc/>
    public override ResumableOutput Open(string path, bool overwrite) => FileOutput.Open(path, ByteCount, overwrite);

    /// <inheritdoc/>
    public override IReadOnlyList<TensorPlace> Places(ResumableOutput output) =>
        [.. Enumerable.Range(0, conversions.Count).Select(i => new TensorPlace(output.Files[0], layout.Offset(i)))];

    /// <summary>Writes what precedes the data. Padding is zero already, for the file was made longer and not written.</summary>
    public override void WriteRest(ResumableOutput output) => output.Files[0].Write(0, layout.Header.Span);

    /// <inheritdoc/>
    public override void AppendTo(IncrementalHash hash) => hash.AppendData(SHA256.HashData(layout.Header.Span));
}
