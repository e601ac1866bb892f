using System.Text.Json.Nodes;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>A model described as a Hugging Face folder: configs and tensors. The tokenizer's files are not part of it.</summary>
/// <param name="Config">config.json.</param>
/// <param name="GenerationConfig">generation_config.json, if the model had one.</param>
/// <param name="Tensors">The tensors under their Hugging Face names: views, converted as they are read.</param>
/// <param name="Notices">What the user should know.</param>
public sealed record HuggingFaceDescription(
    JsonObject Config, JsonObject? GenerationConfig, IReadOnlyList<TensorData> Tensors, IReadOnlyList<string> Notices);

/// <summary>Describes any model as a Hugging Face folder that transformers loads. Matrices are not read here.</summary>
public static class HuggingFaceExport
{
    private static readonly (string Name, TensorFormat Format)[] dtypes =
    [
        ("float32", TensorFormats.F32),
        ("float16", TensorFormats.FindByName("F16")!),
        ("bfloat16", TensorFormats.FindByName("BF16")!),
    ];

    /// <summary>Describes a model. Quantized tensors become BF16, with a notice; others keep their type.</summary>
    /// <param name="model">The model.</param>
    /// <param name="format">The type of all tensors (F32, F16, BF16), or null.</param>
    /// <exception cref="NotSupportedModelException">No config describes the model.</exception>
    public static HuggingFaceDescription Describe(Model model, TensorFormat? format = null)
    {
        if (format is not null && dtypes.All(dtype => dtype.Format != format))
            throw new ArgumentException($"Tensors can be F32, F16 or BF16 here, not {format}.", nameof(format));
        Architecture architecture = ArchitectureRegistry.FindByName(model.ArchitectureName)!;
        string location = model.Source.Location;
        var notices = new List<string>(model.Notices);
        if (architecture.HuggingFaceLoss(model.Spec) is { } loss)
            notices.Add(loss);
        ModelSpec spec = architecture.AsHuggingFace(model);
        JsonObject config = model.Source.HuggingFace is { } files
            ? (JsonObject)files.Config.DeepClone()
            : Restore(model, architecture, spec);

        TensorFormat dense = format ?? DenseFormat(model);
        bool fromGguf = model.Source.Gguf is not null;
        TensorLayout layout = architecture.HuggingFaceLayoutOf(spec);
        // Remainders are added before a tensor is rounded to the folder's type.
        List<TensorData> written = LayoutWriter.Write(
            location, spec, layout, architecture.HuggingFaceTensors(model),
            (parts, data) => model.Source.Gguf is { } metadata && RoundingRemainders.Has(metadata, layout, parts[0].Id) ? TensorFormats.F32 : format ?? Choose(parts[0], GgufExport.StoredFormat(model, parts[0], data[0]), data, dense, fromGguf));
        if (model.Source.Gguf is { } carried)
            RestoreRemainders(written, carried, format, dense);

        if (model.Tensors.Values.FirstOrDefault(tensor => tensor.Info.Format.IsBlockFormat) is { } quantized)
            notices.Add($"quantized tensors ({quantized.Info.Name} is {quantized.Info.Format.Name}) are written as {dense.Name}: a Hugging Face folder has no such type");
        string key = config.ContainsKey("torch_dtype") && !config.ContainsKey("dtype") ? "torch_dtype" : "dtype";
        config[key] = dtypes.First(dtype => dtype.Format == dense).Name;
        JsonObject? generation = model.Source.HuggingFace is { } sideFiles
            ? (JsonObject?)sideFiles.GenerationConfig?.DeepClone()
            : ConfigCarriage.FindGenerationConfig(model.Source.Gguf!);
        return new HuggingFaceDescription(config, generation, written, notices);
    }

    private static JsonObject Restore(Model model, Architecture architecture, ModelSpec spec)
    {
        GgufMetadata metadata = model.Source.Gguf!;
        JsonObject generated = architecture.WriteConfig(spec);
        if (metadata.Find(DecantKeys.Config) is null)
            TokenIdKeys.Restore(metadata, generated);
        JsonObject config = ConfigCarriage.Restore(metadata, generated);
        (Architecture again, ModelSpec readBack) = ArchitectureRegistry.ReadConfig($"{model.Source.Location} (as config.json)", config);
        string? difference = again == architecture ? architecture.DifferenceOf(spec, readBack) : $"{architecture.Name} became {again.Name}";
        return difference is null
            ? config
            : throw new NotSupportedModelException($"{model.Source.Location}: no {architecture.Name} config.json describes this model: {difference}.");
    }

    /// <summary>The type of the matrices: their own if it is a plain one, else BF16.</summary>
    private static TensorFormat DenseFormat(Model model)
    {
        TensorFormat own = (model.Find(new TensorId(TensorRole.AttentionOutput, 0)) ?? model.Get(new TensorId(TensorRole.TokenEmbedding))).Info.Format;
        return dtypes.Any(dtype => dtype.Format == own) ? own : own is F64Format ? TensorFormats.F32 : TensorFormats.FindByName("BF16")!;
    }

    /// <summary>
    /// A tensor's own type if it is a plain one. GGUF keeps vectors as F32 whatever the model's type; they go back to it where that loses nothing.
    /// </summary>
    private static TensorFormat Choose(ModelTensor tensor, TensorFormat own, IReadOnlyList<TensorData> data, TensorFormat dense, bool fromGguf)
    {
        if (dtypes.All(dtype => dtype.Format != own))
            return dense;
        bool widened = fromGguf && own == TensorFormats.F32 && dense != own && !GgufExport.IsMatrix(tensor.Id.Role, tensor.Shape);
        return widened && data.All(part => IsExact(part, dense)) ? dense : own;
    }

    private static void RestoreRemainders(List<TensorData> written, GgufMetadata metadata, TensorFormat? format, TensorFormat dense)
    {
        for (int i = 0; i < written.Count; i++)
        {
            TensorData exact = RoundingRemainders.Restore(written[i], metadata);
            if (exact != written[i])
                written[i] = RecodedTensor.Create(exact.Info.Name, exact, format ?? (IsExact(exact, dense) ? dense : TensorFormats.F32));
        }
    }

    private static bool IsExact(TensorData tensor, TensorFormat format)
    {
        int length = checked((int)tensor.Info.Shape.RowLength);
        float[] values = new float[length], again = new float[length];
        byte[] encoded = new byte[format.RowByteCount(length)];
        for (long row = 0; row < tensor.Info.Shape.RowCount; row++)
        {
            tensor.ReadRows(row, 1, values);
            try
            {
                format.EncodeRow(values, default, encoded);
            }
            catch (OverflowException)
            {
                return false;
            }
            format.DecodeRow(encoded, again);
            if (!values.AsSpan().SequenceEqual(again))
                return false;
        }
        return true;
    }
}
