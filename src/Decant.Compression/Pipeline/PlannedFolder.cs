using System.Security.Cryptography;
using System.Text;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Verification;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>
/// A Hugging Face folder to be written: the model with every chosen matrix rounded to its format and stored densely, for safetensors has no types for ggml's
/// blocks. Matrices are rounded as the model uses them, whatever container they come from and whether GGUF has a place for them or not.
/// </summary>
internal sealed class PlannedFolder : PlannedOutput
{
    private readonly Model model;
    private readonly IReadOnlyList<GgufTensor> tensors;
    private readonly HuggingFaceContent content;

    /// <summary>Plans the folder that a source becomes.</summary>
    /// <exception cref="BadFileException">The source is damaged.</exception>
    /// <exception cref="NotSupportedModelException">No family claims it.</exception>
    public PlannedFolder(IModelSource source, CompressionRequest request)
        : this(ArchitectureRegistry.Bind(source), request)
    {
    }

    private PlannedFolder(Model model, CompressionRequest request)
        : base(request, model.Source.Gguf is { } metadata ? MixtureModel.From(metadata) : MixtureModel.From(model))
    {
        this.model = model;
        tensors = GgufTensor.ListOf(model);
        int[] matrices = [.. Enumerable.Range(0, tensors.Count).Where(i => tensors[i].IsMatrix)];
        TensorChoice[] all = [.. tensors.Select(tensor => new TensorChoice(tensor.Info, tensor.Info.Format, tensor.Info.Format, ChoiceReason.Untouched))];
        foreach ((int index, TensorChoice choice) in matrices.Zip(Chooser.Choose([.. matrices.Select(i => tensors[i].Info)])))
            all[index] = choice;
        Choices = all;
        content = Round();
        Target = new FolderTarget(model.Source, content, request.MaximumShardByteCount);
    }

    /// <inheritdoc/>
    public override IReadOnlyList<TensorChoice> Choices { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notices => content.Notices;

    /// <inheritdoc/>
    public override ConversionTarget Target { get; }

    /// <inheritdoc/>
    public override long HeaderByteCount => Target.ByteCount - TensorByteCount;

    /// <inheritdoc/>
    public override long TensorByteCount => content.Tensors.Sum(tensor => tensor.Info.ByteCount);

    /// <inheritdoc/>
    public override Expectation Expected => Expectation.Of(content);

    /// <inheritdoc/>
    public override void AppendTo(IncrementalHash hash)
    {
        Target.AppendTo(hash);
        foreach (TensorChoice choice in Choices)
            hash.AppendData(Encoding.UTF8.GetBytes($"{choice.Source.Name} {choice.Target}\n"));
    }

    private HuggingFaceContent Round()
    {
        TensorFormat[] wanted = [.. Choices.Where((_, i) => tensors[i].IsMatrix).Select(choice => choice.Target).Distinct()];
        // One plain type that was asked for, without exceptions, is the type of the folder.
        if (!Request.Type.IsQuantized && wanted is [{ IsBlockFormat: false } only])
            return HuggingFaceContent.Of(model, only);
        TensorFormat dense = DenseFormat();
        var rounded = new Dictionary<TensorId, TensorData>();
        for (int i = 0; i < Choices.Count; i++)
        {
            if (Choices[i] is not ({ IsCopy: false } or { Target.IsBlockFormat: true }))
                continue;
            Func<float[]?>? importance = ImportanceOf(Choices[i]);
            TensorFormat stored = Choices[i].Target.IsBlockFormat ? dense : Choices[i].Target;
            IReadOnlyList<TensorId> parts = tensors[i].Parts;
            for (int part = 0; part < parts.Count; part++)
            {
                TensorData data = model.Get(parts[part]);
                var conversion = new TensorConversion(data, data.Info.Name, Choices[i].Target, PartOf(importance, part, parts[part], data.Info.Shape.RowLength));
                rounded.Add(parts[part], new RoundedTensor(conversion, stored));
            }
        }
        HuggingFaceContent described = HuggingFaceContent.Of(model.With(rounded));
        return described with { WeightMetadata = new(described.WeightMetadata) { [HuggingFaceContent.RoundedKey] = Request.Type.Name } };
    }

    /// <summary>What decoded blocks are stored in: single precision if a matrix has it, half precision if all have that, else BF16.</summary>
    private TensorFormat DenseFormat()
    {
        TensorFormat[] own = [.. tensors.Where(tensor => tensor.IsMatrix).Select(tensor => tensor.Info.Format).Distinct()];
        return own.Contains(TensorFormats.F32) ? TensorFormats.F32 : own is [{ IsBlockFormat: false } only] && only == TensorFormats.FindByName("F16") ? only : TensorFormats.BF16;
    }

    // A stack has one set of values for each expert, fused rows have one for all.
    private static Func<float[]?>? PartOf(Func<float[]?>? importance, int part, TensorId id, long columnCount) =>
        importance is null || id.Expert is null
            ? importance
            : () => importance() is { } values ? [.. values.AsSpan(values.Length == columnCount ? 0 : checked((int)(part * columnCount)), (int)columnCount)] : null;
}
