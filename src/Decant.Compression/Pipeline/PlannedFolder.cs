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
    private readonly IModelSource source;
    private readonly Model model;
    private readonly IReadOnlyList<GgufTensor> tensors;
    private readonly long maximumShardByteCount;
    private TensorChoice[] choices = [];
    private HuggingFaceContent? content;
    private FolderTarget? target;

    /// <summary>Binds a source.</summary>
    /// <param name="source">The model.</param>
    /// <param name="maximumShardByteCount">The most tensor bytes in one file.</param>
    /// <exception cref="BadFileException">The source is damaged.</exception>
    /// <exception cref="NotSupportedModelException">No family claims it.</exception>
    public PlannedFolder(IModelSource source, long maximumShardByteCount)
    {
        this.source = source;
        model = ArchitectureRegistry.Bind(source);
        tensors = GgufTensor.ListOf(model);
        Tensors = [.. tensors.Select(tensor => tensor.Info)];
        Facts = source.Gguf is { } metadata ? MixtureModel.From(metadata) : MixtureModel.From(model);
        this.maximumShardByteCount = maximumShardByteCount;
    }

    /// <inheritdoc/>
    public override MixtureModel Facts { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<TensorInfo> Tensors { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Notices => Content.Notices;

    /// <summary>What the folder will hold.</summary>
    public HuggingFaceContent Content => content ?? throw new InvalidOperationException("No formats have been chosen.");

    /// <inheritdoc/>
    public override ConversionTarget Target => target ?? throw new InvalidOperationException("No formats have been chosen.");

    /// <inheritdoc/>
    public override long HeaderByteCount => Target.ByteCount - TensorByteCount;

    /// <inheritdoc/>
    public override long TensorByteCount => Content.Tensors.Sum(tensor => tensor.Info.ByteCount);

    /// <inheritdoc/>
    public override Expectation Expected => Expectation.Of(Content);

    /// <inheritdoc/>
    public override IReadOnlyList<TensorChoice> Choose(MixtureChooser chooser, CompressionRequest request)
    {
        int[] matrices = [.. Enumerable.Range(0, tensors.Count).Where(i => tensors[i].IsMatrix)];
        TensorChoice[] all = [.. Tensors.Select(info => new TensorChoice(info, info.Format, info.Format, ChoiceReason.Untouched))];
        foreach ((int index, TensorChoice choice) in matrices.Zip(chooser.Choose([.. matrices.Select(i => Tensors[i])])))
            all[index] = choice;
        choices = all;
        content = Round(request);
        target = new FolderTarget(source, content, maximumShardByteCount);
        return choices;
    }

    /// <inheritdoc/>
    public override void AppendTo(IncrementalHash hash)
    {
        Target.AppendTo(hash);
        foreach (TensorChoice choice in choices)
            hash.AppendData(Encoding.UTF8.GetBytes($"{choice.Source.Name} {choice.Target}\n"));
    }

    private HuggingFaceContent Round(CompressionRequest request)
    {
        TensorFormat[] wanted = [.. choices.Where((_, i) => tensors[i].IsMatrix).Select(choice => choice.Target).Distinct()];
        // One plain type that was asked for, without exceptions, is the type of the folder.
        if (!request.Type.IsQuantized && wanted is [{ IsBlockFormat: false } only])
            return HuggingFaceContent.Of(model, only);
        TensorFormat dense = DenseFormat();
        var rounded = new Dictionary<TensorId, TensorData>();
        for (int i = 0; i < choices.Length; i++)
        {
            if (choices[i] is not ({ IsCopy: false } or { Target.IsBlockFormat: true }))
                continue;
            Func<float[]?>? importance = ImportanceOf(request, choices[i]);
            TensorFormat stored = choices[i].Target.IsBlockFormat ? dense : choices[i].Target;
            IReadOnlyList<TensorId> parts = tensors[i].Parts;
            for (int part = 0; part < parts.Count; part++)
            {
                TensorData data = model.Get(parts[part]);
                var conversion = new TensorConversion(data, data.Info.Name, choices[i].Target, PartOf(importance, part, parts[part], data.Info.Shape.RowLength));
                rounded.Add(parts[part], new RoundedTensor(conversion, stored));
            }
        }
        HuggingFaceContent described = HuggingFaceContent.Of(model.With(rounded));
        return described with { WeightMetadata = new(described.WeightMetadata) { [HuggingFaceContent.RoundedKey] = request.Type.Name } };
    }

    /// <summary>What decoded blocks are stored in: single precision if a matrix has it, half precision if all have that, else BF16.</summary>
    private TensorFormat DenseFormat()
    {
        TensorFormat[] own = [.. Tensors.Where((_, i) => tensors[i].IsMatrix).Select(info => info.Format).Distinct()];
        return own.Contains(TensorFormats.F32) ? TensorFormats.F32 : own is [{ IsBlockFormat: false } only] && only == TensorFormats.FindByName("F16") ? only : TensorFormats.BF16;
    }

    // A stack has one set of values for each expert, fused rows have one for all.
    private static Func<float[]?>? PartOf(Func<float[]?>? importance, int part, TensorId id, long columnCount) =>
        importance is null || id.Expert is null
            ? importance
            : () => importance() is { } values ? [.. values.AsSpan(values.Length == columnCount ? 0 : checked((int)(part * columnCount)), (int)columnCount)] : null;
}
