using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Templates;
using Decant.Core.Tensors;

namespace Decant.Cli.Models;

/// <summary>What headers and side files tell about a model. Weights are not read.</summary>
internal sealed class ModelSummary
{
    private ModelSummary(IModelSource source, string argument, Model? model, string? unsupportedReason)
    {
        Source = source;
        Argument = argument;
        Model = model;
        UnsupportedReason = unsupportedReason;
    }

    public IModelSource Source { get; }

    /// <summary>The model as the user named it.</summary>
    public string Argument { get; }

    /// <summary>The model understood, or null if Decant knows no such family.</summary>
    public Model? Model { get; }

    /// <summary>The model as a decoder, or null if it is none.</summary>
    public DecoderSpec? Decoder => Model?.Spec as DecoderSpec;

    /// <summary>What models of this family are (decoder, encoder), or null if the family is not known.</summary>
    public string? Kind => Model is null ? null : ArchitectureRegistry.FindByName(Model.ArchitectureName)?.Kind;

    /// <summary>Why it is not understood, or null.</summary>
    public string? UnsupportedReason { get; }

    public string Container => Source.Gguf is not null ? "gguf" : "hugging_face";

    /// <summary>The family as Decant names it, else as the file does.</summary>
    public string Family => Model?.ArchitectureName ?? Source.Gguf?.FindString("general.architecture") ?? TextOf("model_type") ?? "unknown";

    /// <summary>The name the makers gave it, or null.</summary>
    public string? Name => Source.Gguf?.FindString("general.name");

    public string? License => Source.Gguf?.FindString("general.license") is { } stated
        ? Source.Gguf.FindString("general.license.name") is { } named && stated == "other" ? $"{stated} ({named})" : stated
        : ModelCard.FindLicense(Source.HuggingFace?.FindFile("README.md"));

    /// <summary>What is stored of the model: of one that reads images too, the text part.</summary>
    private IReadOnlyList<TensorData> Stored => (Model?.Source ?? Source).Tensors;

    public long ParameterCount => Stored.Sum(tensor => tensor.Info.Shape.ElementCount);

    /// <summary>Parameters used for one token, or null if all are or the model is not understood.</summary>
    public long? ActiveParameterCount
    {
        get
        {
            if (Model is null || Decoder is not { } spec || !spec.Layers.Any(layer => layer.FeedForward.Experts is not null))
                return null;
            double idle = 0;
            foreach ((TensorId id, TensorData tensor) in Model.Tensors)
            {
                if (id is { Expert: not null, Layer: { } layer } && spec.Layers[layer].FeedForward.Experts is { } experts)
                    idle += tensor.Info.Shape.ElementCount * (1 - (experts.OnlySharedIsUsed ? 0 : (double)experts.UsedCount / experts.Count));
            }
            return ParameterCount - (long)Math.Round(idle);
        }
    }

    /// <summary>The shape of the table of token vectors, tokens first, or null if the model is not understood.</summary>
    public TensorShape? Embedding => Model?.Find(new TensorId(TensorRole.TokenEmbedding))?.Info.Shape;

    public long ByteCount => Stored.Sum(tensor => tensor.Info.ByteCount);

    /// <summary>Storage types, largest share first.</summary>
    public IReadOnlyList<TypeShare> Types =>
    [
        .. Stored.GroupBy(tensor => tensor.Info.Format)
            .Select(group => new TypeShare(group.Key, group.Count(), group.Sum(t => t.Info.Shape.ElementCount), group.Sum(t => t.Info.ByteCount)))
            .OrderByDescending(share => share.ByteCount).ThenBy(share => share.Format.Name, StringComparer.Ordinal),
    ];

    public IReadOnlyList<string> ChatTemplates => [.. ChatTemplateSource.Find(Source)?.Names ?? []];

    public static ModelSummary Of(IModelSource source, string argument)
    {
        try
        {
            return new ModelSummary(source, argument, ArchitectureRegistry.Bind(source), null);
        }
        catch (NotSupportedModelException error)
        {
            return new ModelSummary(source, argument, null, error.Message);
        }
    }

    private string? TextOf(string key) => Source.HuggingFace?.Config[key] is { } node && node.GetValueKind() == System.Text.Json.JsonValueKind.String ? node.GetValue<string>() : null;
}

/// <summary>How much of a model is stored in one type.</summary>
internal sealed record TypeShare(TensorFormat Format, int TensorCount, long ParameterCount, long ByteCount)
{
    public double BitsPerWeight => ParameterCount == 0 ? 0 : 8.0 * ByteCount / ParameterCount;
}
