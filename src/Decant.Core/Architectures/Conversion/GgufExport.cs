using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.Gguf;

namespace Decant.Core.Architectures.Conversion;

/// <summary>A model described as a GGUF file: everything but the bytes' places.</summary>
/// <param name="Metadata">The keys, in order; the writer adds what depends on the tensor types (<c>general.file_type</c>).</param>
/// <param name="Tensors">The tensors, in order, under their GGUF names: views, converted as they are read.</param>
/// <param name="Notices">What the user should know: what llama.cpp will do otherwise, what was left out.</param>
public sealed record GgufDescription(GgufMetadata Metadata, IReadOnlyList<TensorData> Tensors, IReadOnlyList<string> Notices);

/// <summary>
/// Describes any model as a GGUF file that llama.cpp loads, after the rules of its converter: names, rows permuted between rotary
/// pairings, vectors, routers and positions as F32, matrices in their own type or a chosen one. Of weights at most norms and decays are read here.
/// </summary>
public static class GgufExport
{
    /// <summary>Describes a model. One that is GGUF already keeps its metadata and names.</summary>
    /// <param name="model">The model.</param>
    /// <param name="matrixFormat">The type of matrices (F32, F16, BF16), or null to keep each one's own where GGUF has it.</param>
    /// <param name="isExact">False leaves out what only an exact way back needs: for files that are rounded far more coarsely.</param>
    /// <exception cref="NotSupportedModelException">GGUF cannot hold the model.</exception>
    public static GgufDescription Describe(Model model, TensorFormat? matrixFormat = null, bool isExact = true)
    {
        if (matrixFormat is { GgmlType: null } or { IsBlockFormat: true })
            throw new ArgumentException($"Matrices can be F32, F16 or BF16 here, not {matrixFormat}.", nameof(matrixFormat));
        return model.Source.Gguf is { } metadata ? Keep(model, metadata, matrixFormat) : Convert(model, matrixFormat, isExact);
    }

    private static GgufDescription Keep(Model model, GgufMetadata metadata, TensorFormat? matrixFormat)
    {
        TensorLayout layout = ArchitectureRegistry.FindByName(model.ArchitectureName)!.GgufLayoutOf(model.Spec);
        IEnumerable<TensorData> tensors = model.Source.Tensors.Select(stored =>
            matrixFormat is not null && layout.Find(stored.Info.Name) is { } place && IsMatrix(place.Mapping.Roles[0], stored.Info.Shape)
                ? RecodedTensor.Create(stored.Info.Name, stored, matrixFormat)
                : stored);
        return new GgufDescription(metadata.Copy(), [.. tensors], []);
    }

    private static GgufDescription Convert(Model model, TensorFormat? matrixFormat, bool isExact)
    {
        Architecture architecture = ArchitectureRegistry.FindByName(model.ArchitectureName)!;
        string location = model.Source.Location;
        if (architecture.GgufName is null)
            throw new NotSupportedModelException($"{location}: GGUF has no architecture for {architecture.Name} models. Write a Hugging Face folder instead.");

        var metadata = new GgufMetadata(location);
        var notices = new List<string>(model.Notices);
        ModelSpec spec = architecture.AsGguf(model.Spec);
        notices.AddRange(architecture.WriteGguf(spec, metadata));
        notices.AddRange(architecture.AddGgufRemains(model, metadata));
        if (ArchitectureRegistry.All.Count(other => other.GgufName == architecture.GgufName) > 1)
            metadata.Set(DecantKeys.Family, GgufValue.From(architecture.Name));

        List<TensorData> written = LayoutWriter.Write(
            location, spec, architecture.GgufLayoutOf(spec), architecture.GgufTensors(model), (parts, data) => Choose(parts[0], StoredFormat(model, parts[0], data[0]), matrixFormat));

        notices.AddRange(architecture.GgufAdditions(spec, written));
        ModelSpec readBack = ReadBack(location, spec, architecture, metadata, written);
        if (model.Source.HuggingFace is { } files)
        {
            ConfigCarriage.Store(metadata, files.Config, architecture.WriteConfig(architecture.AsHuggingFace(readBack)));
            if (files.GenerationConfig is { } generation)
                metadata.Set(DecantKeys.GenerationConfig, GgufValue.From(generation.ToJsonString()));
        }
        if (isExact)
            RoundingRemainders.Store(model, metadata);
        AddTokenizer(model, metadata, notices);
        return new GgufDescription(metadata, written, notices);
    }

    private static void AddTokenizer(Model model, GgufMetadata metadata, List<string> notices)
    {
        if (TokenizerLoader.Load(model.Source) is { } tokenizer)
        {
            notices.AddRange(tokenizer.Notices);
            notices.AddRange(GgufTokenizerExporter.Write(tokenizer, metadata, model.Spec.VocabularySize));
            return;
        }
        metadata.Set("tokenizer.ggml.model", GgufValue.From("none"));
        TokenIdKeys.Store(model, metadata);
        notices.Add("the model has no tokenizer: the file takes token ids only (tokenizer.ggml.model is none)");
    }

    /// <summary>
    /// Vectors, norms, routers, tables of positions, token types and distances, convolutions and what a scan reads are F32 in GGUF, as llama.cpp's operators want
    /// them; the rest is free.
    /// </summary>
    internal static bool IsMatrix(TensorRole role, TensorShape shape) =>
        shape.Rank >= 2 && role is not (TensorRole.Router or TensorRole.SharedRouter or TensorRole.PositionEmbedding or TensorRole.TokenTypeEmbedding
            or TensorRole.RelativeBias or TensorRole.QueryNorm or TensorRole.KeyNorm
            or TensorRole.Convolution or TensorRole.StateDecay or TensorRole.SkipFactor or TensorRole.ScanNorm);

    /// <summary>The type a matrix is stored in, whatever type it was computed in on its way; that of other tensors is the view's.</summary>
    internal static TensorFormat StoredFormat(Model model, ModelTensor tensor, TensorData data) =>
        IsMatrix(tensor.Id.Role, tensor.Shape) && model.Find(tensor.Id) is { } stored ? stored.Info.Format : data.Info.Format;

    private static TensorFormat Choose(ModelTensor tensor, TensorFormat source, TensorFormat? matrixFormat)
    {
        if (!IsMatrix(tensor.Id.Role, tensor.Shape))
            return TensorFormats.F32;
        // F64 would double the file for digits no kernel uses; 8-bit floats have no GGUF type, and BF16 holds them exactly.
        return matrixFormat
            ?? (source is F64Format ? TensorFormats.F32 : source.GgmlType is not null ? source : TensorFormats.FindByName("BF16")!);
    }

    /// <summary>Reads the description as a file would be read, and refuses if another model comes out.</summary>
    private static ModelSpec ReadBack(string location, ModelSpec spec, Architecture architecture, GgufMetadata metadata, List<TensorData> written)
    {
        Dictionary<string, TensorData> byName = written.ToDictionary(tensor => tensor.Info.Name, StringComparer.Ordinal);
        ModelSpec readBack = ArchitectureRegistry.ReadGguf(metadata, byName.GetValueOrDefault).Spec;
        string? difference = architecture.DifferenceOf(spec, readBack);
        return difference is null
            ? readBack
            : throw new NotSupportedModelException($"{location}: a GGUF file of architecture {architecture.GgufName} cannot hold this model: {difference}.");
    }
}
