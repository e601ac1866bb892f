using Decant.Compression.Methods.Mixtures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;

namespace Decant.Compression.Pipeline;

/// <summary>
/// What a compression will do, known from headers alone: the format of every tensor, the file's exact length, memory. Made by
/// <see cref="Create"/>, carried out by <see cref="CompressJob"/>.
/// </summary>
public sealed class CompressionPlan
{
    private CompressionPlan(IModelSource source, CompressionRequest request, PlannedOutput output, IReadOnlyList<TensorChoice> tensors, IReadOnlyList<string> notices)
    {
        Source = source;
        Request = request;
        Output = output;
        Tensors = tensors;
        Notices = notices;
    }

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
    public long OutputByteCount => Output.Target.ByteCount;

    /// <summary>Weights in all tensors.</summary>
    public long WeightCount => Tensors.Sum(t => t.Source.Shape.ElementCount);

    /// <summary>Bits per weight of the output's tensors as they are stored, header not counted.</summary>
    public double BitsPerWeight => WeightCount == 0 ? 0 : 8.0 * Output.TensorByteCount / WeightCount;

    /// <summary>What will be written.</summary>
    internal PlannedOutput Output { get; }

    /// <summary>Plans; reads headers only.</summary>
    /// <param name="source">What is compressed.</param>
    /// <param name="request">To what.</param>
    /// <exception cref="UsageException">An override makes no sense, or importance values are missing.</exception>
    /// <exception cref="NotSupportedModelException">The container cannot hold the model, or a tensor's format cannot be decoded.</exception>
    /// <exception cref="BadFileException">Importance values do not fit the model.</exception>
    public static CompressionPlan Create(IModelSource source, CompressionRequest request)
    {
        PlannedOutput output = request.Container == OutputContainer.Gguf ? new PlannedFile(source, request) : new PlannedFolder(source, request);
        IReadOnlyList<TensorChoice> tensors = output.Choices;
        output.Chooser.RequireImportance(tensors, name => request.Importance?.Has(name) == true);
        CheckImportance(request, tensors);
        return new CompressionPlan(
            source, request, output, tensors,
            [.. output.Notices, .. ContainerNotices(request), .. SizeNotices(request, tensors), .. tensors.Select(t => t.Notice).OfType<string>(), .. ImportanceNotices(request, tensors)]);
    }

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
            ? [$"the weights do not get smaller: {ByteCountText.Of(after)} from {ByteCountText.Of(before)}, because of the type or of rows that fall back to a larger one"]
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
