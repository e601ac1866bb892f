using System.Security.Cryptography;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Verification;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>A GGUF file to be written.</summary>
internal sealed class PlannedFile : PlannedOutput
{
    /// <summary>Begins the keys by which llama.cpp's files and ours say that importance values weighed the rounding.</summary>
    internal const string ImportanceKeyPrefix = "quantize.imatrix.";

    private readonly GgufContent content;
    private readonly GgufLayout layout;

    /// <summary>Plans the file that a source becomes.</summary>
    /// <exception cref="BadFileException">The source is damaged.</exception>
    /// <exception cref="NotSupportedModelException">GGUF cannot hold the model.</exception>
    public PlannedFile(IModelSource source, CompressionRequest request)
        : this(GgufContent.Of(source), request)
    {
    }

    private PlannedFile(GgufContent content, CompressionRequest request)
        : base(request, MixtureModel.From(content.Metadata))
    {
        this.content = content;
        Choices = Chooser.Choose([.. content.Tensors.Select(tensor => tensor.Info)]);
        TensorConversion[] conversions = [.. Choices.Select((choice, i) => new TensorConversion(content.Tensors[i], choice.Source.Name, choice.Target, ImportanceOf(choice)))];
        content.Metadata.Set("general.quantization_version", GgufValue.From(2u));
        content.Metadata.Set("general.file_type", GgufValue.From((uint)request.Type.Number));
        if (request.Importance is { } importance)
        {
            // As llama-quantize marks such files: their rounding may give up a large weight that no input uses.
            content.Metadata.Set(ImportanceKeyPrefix + "entries_count", GgufValue.From((uint)importance.Entries.Count));
            content.Metadata.Set(ImportanceKeyPrefix + "chunks_count", GgufValue.From((uint)importance.ChunkCount));
        }
        layout = new GgufLayout(content.Metadata, [.. conversions.Select(conversion => conversion.TargetInfo)]);
        Target = new FileTarget(layout, conversions);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<TensorChoice> Choices { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notices => content.Notices;

    /// <inheritdoc/>
    public override ConversionTarget Target { get; }

    /// <inheritdoc/>
    public override long TensorByteCount => Choices.Sum(choice => choice.TargetByteCount);

    /// <inheritdoc/>
    public override long HeaderByteCount => layout.Header.Length;

    /// <inheritdoc/>
    public override Expectation Expected => Expectation.Of(content, [.. Choices.Select(choice => choice.Target)]);

    /// <inheritdoc/>
    public override void AppendTo(IncrementalHash hash) => Target.AppendTo(hash);
}
