using Decant.Compression.Methods.Mixtures;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>
/// What a compression will do, known from headers alone: the format of every tensor, the file's exact length, memory. Made by
/// <see cref="Create"/>, carried out by <see cref="CompressJob"/>.
/// </summary>
public sealed class CompressionPlan
{
    private readonly Lazy<HuggingFaceContent> folder;
    private readonly Lazy<long> outputByteCount;

    private CompressionPlan(
        IModelSource source, CompressionRequest request, GgufContent content, IReadOnlyList<TensorChoice> tensors, GgufLayout layout, IReadOnlyList<string> notices)
    {
        Source = source;
        Request = request;
        Content = content;
        Tensors = tensors;
        Layout = layout;
        Notices = notices;
        folder = new Lazy<HuggingFaceContent>(() => FolderContent.Of(source, content, Conversions()));
        outputByteCount = new Lazy<long>(() => request.Container == OutputContainer.Gguf
            ? Layout.ByteCount
            : FolderContent.WeightFilesByteCount(Folder.Tensors.Select(t => t.Info), request.MaximumShardByteCount));
    }

    /// <summary>Begins the keys by which llama.cpp's files and ours say that importance values weighed the rounding.</summary>
    internal const string ImportanceKeyPrefix = "quantize.imatrix.";

    /// <summary>What is compressed.</summary>
    public IModelSource Source { get; }

    /// <summary>What was asked for.</summary>
    public CompressionRequest Request { get; }

    /// <summary>Every tensor in the order of the output, with its format and why it gets it.</summary>
    public IReadOnlyList<TensorChoice> Tensors { get; }

    /// <summary>Fallbacks and whatever else the user should know.</summary>
    public IReadOnlyList<string> Notices { get; }

    /// <summary>Bytes of the source's tensors as stored.</summary>
    public long SourceTensorByteCount => Tensors.Sum(t => t.Source.ByteCount);

    /// <summary>Bytes of the tensors in the formats chosen.</summary>
    public long TensorByteCount => Tensors.Sum(t => t.TargetByteCount);

    /// <summary>The exact length of a GGUF output; for a folder that of its weight files, side files not counted.</summary>
    public long OutputByteCount => outputByteCount.Value;

    /// <summary>Weights in all tensors.</summary>
    public long WeightCount => Tensors.Sum(t => t.Source.Shape.ElementCount);

    /// <summary>Bits per weight of the output's tensors, header not counted.</summary>
    public double BitsPerWeight => WeightCount == 0 ? 0 : 8.0 * TensorByteCount / WeightCount;

    internal GgufContent Content { get; }

    internal GgufLayout Layout { get; }

    /// <summary>What a folder will hold.</summary>
    internal HuggingFaceContent Folder => folder.Value;

    /// <summary>Plans; reads headers only.</summary>
    /// <param name="source">What is compressed.</param>
    /// <param name="request">To what.</param>
    /// <exception cref="UsageException">An override makes no sense, or importance values are missing.</exception>
    /// <exception cref="NotSupportedModelException">GGUF cannot hold the model, or a tensor's format cannot be decoded.</exception>
    /// <exception cref="BadFileException">Importance values do not fit the model.</exception>
    public static CompressionPlan Create(IModelSource source, CompressionRequest request)
    {
        if (request.Container != OutputContainer.Gguf)
            RequirePlaces(source);
        GgufContent content = GgufContent.Of(source);
        var chooser = new MixtureChooser(request.Type, MixtureModel.From(content.Metadata), request.Importance is not null, request.Overrides);
        IReadOnlyList<TensorChoice> tensors = chooser.Choose([.. content.Tensors.Select(t => t.Info)]);
        chooser.RequireImportance(tensors, name => request.Importance?.Has(name) == true);
        CheckImportance(request, tensors);

        content.Metadata.Set("general.quantization_version", GgufValue.From(2u));
        content.Metadata.Set("general.file_type", GgufValue.From((uint)request.Type.Number));
        if (request.Importance is { } importance)
        {
            // As llama-quantize marks such files: their rounding may give up a large weight that no input uses.
            content.Metadata.Set(ImportanceKeyPrefix + "entries_count", GgufValue.From((uint)importance.Entries.Count));
            content.Metadata.Set(ImportanceKeyPrefix + "chunks_count", GgufValue.From((uint)importance.ChunkCount));
        }
        TensorInfo[] written = [.. tensors.Select(t => new TensorInfo(t.Source.Name, t.Source.Shape, t.Target))];
        return new CompressionPlan(
            source, request, content, tensors, new GgufLayout(content.Metadata, written),
            [.. content.Notices, .. ContainerNotices(request), .. SizeNotices(request, tensors), .. tensors.Select(t => t.Notice).OfType<string>(), .. ImportanceNotices(request, tensors)]);
    }

    // Types are chosen by GGUF's tensors, also for folders: what GGUF has no place for would be lost.
    private static void RequirePlaces(IModelSource source)
    {
        if (source.Gguf is not null)
            return;
        Model model = ArchitectureRegistry.Bind(source);
        string? reason = null;
        if (ArchitectureRegistry.FindByName(model.ArchitectureName)!.GgufName is null)
            reason = $"GGUF has none for {model.ArchitectureName} models";
        else if (model is EncoderModel or EncoderDecoderModel)
        {
            IReadOnlyDictionary<TensorId, GgufPlace> places = GgufPlaces.Of(model);
            if (model.Tensors.Keys.FirstOrDefault(id => id.Part == TensorPart.Weight && !places.ContainsKey(id)) is { Role: not default(TensorRole) } lost)
                reason = $"GGUF has none for {model.Tensors[lost].Info.Name}";
        }
        if (reason is not null)
            throw new NotSupportedModelException(
                $"{source.Location}: types are chosen by the tensors of a GGUF file, and {reason}. A folder of plain types holds everything: 'decant convert {source.Location} -o OUT --type bf16'.");
    }

    /// <summary>The work, tensor by tensor.</summary>
    internal IReadOnlyList<TensorConversion> Conversions() =>
        [.. Tensors.Select((choice, i) => new TensorConversion(Content.Tensors[i], choice.Source.Name, choice.Target, ImportanceOf(choice)))];

    private Func<float[]?>? ImportanceOf(TensorChoice choice) =>
        Request.Importance is { } importance && choice.Target.UsesImportance ? () => importance.WeightsFor(choice.Source) : null;

    /// <summary>Sizes are compared now, not in the middle of the job.</summary>
    private static void CheckImportance(CompressionRequest request, IReadOnlyList<TensorChoice> tensors)
    {
        if (request.Importance is null)
            return;
        foreach (TensorChoice choice in tensors)
        {
            if (!choice.IsCopy && choice.Target.UsesImportance)
                request.Importance.WeightsFor(choice.Source);
        }
    }

    private static IEnumerable<string> ContainerNotices(CompressionRequest request) =>
        request.Container == OutputContainer.HuggingFace && request.Type.IsQuantized
            ? [$"a Hugging Face folder holds no ggml blocks: weights are rounded to {request.Type} and stored as plain numbers. For a small file name an output that ends in .gguf"]
            : [];

    private static IEnumerable<string> SizeNotices(CompressionRequest request, IReadOnlyList<TensorChoice> tensors)
    {
        long before = tensors.Sum(t => t.Source.ByteCount), after = tensors.Sum(t => t.TargetByteCount);
        return request.Container == OutputContainer.Gguf && request.Type.IsQuantized && after >= before
            ? [string.Create(System.Globalization.CultureInfo.InvariantCulture,
                $"the weights do not get smaller: {after / 1e6:0.0} MB from {before / 1e6:0.0} MB, because of the type or of rows that fall back to a larger one")]
            : [];
    }

    private static IEnumerable<string> ImportanceNotices(CompressionRequest request, IReadOnlyList<TensorChoice> tensors)
    {
        if (request.Importance is null)
            return [];
        string[] missing =
        [
            .. tensors.Where(t => !t.IsCopy && t.Target.UsesImportance && !request.Importance.Has(t.Source.Name)
                    && GgufTensorNames.Categorise(t.Source.Name) is not (TensorCategory.TokenEmbedding or TensorCategory.Output))
                .Select(t => t.Source.Name),
        ];
        return missing.Length == 0 ? [] : [$"the importance matrix has no values for {missing.Length} of the matrices ({missing[0]}{(missing.Length > 1 ? ", …" : "")}); they are rounded without"];
    }
}
