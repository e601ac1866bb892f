using Decant.Core.Architectures.Layouts;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// What single precision loses where GGUF holds a function of a checkpoint's numbers: 1 + w for Gemma's norms, −eˣ for Mamba's decay. The remainder is exactly
/// representable, so that with it the way back gives the checkpoint's numbers bit for bit. Most checkpoints in half precision leave none.
/// </summary>
internal static class RoundingRemainders
{
    /// <summary>Stores the remainders of a model that is about to become a GGUF file.</summary>
    /// <param name="model">The model as read from a Hugging Face folder.</param>
    /// <param name="metadata">Gets one key for each tensor that does not come back exactly.</param>
    public static void Store(Model model, GgufMetadata metadata)
    {
        Architecture architecture = ArchitectureRegistry.FindByName(model.ArchitectureName)!;
        TensorLayout folder = architecture.HuggingFaceLayoutOf(model.Spec), file = architecture.GgufLayoutOf(model.Spec);
        foreach ((TensorId id, TensorData data) in model.Tensors)
        {
            if (folder.LineOf(id) is not { } folderLine || file.LineOf(id) is not { } fileLine || (folderLine.Elements is null && fileLine.Elements is null))
                continue;
            float[] canonical = Read(data);
            float[] original = folderLine.Elements is { } functions ? ElementwiseTensor.Undo(data, functions) is { } stored ? Read(stored) : Apply(functions.Write, canonical) : canonical;
            float[] back = canonical;
            if (fileLine.Elements is { } inFile)
                back = Apply(inFile.Read, Apply(inFile.Write, back));
            if (folderLine.Elements is { } inFolder)
                back = Apply(inFolder.Write, back);
            float[] remainders = [.. original.Zip(back, (first, second) => first - second)];
            if (remainders.Any(value => value != 0 && float.IsFinite(value)))
                metadata.Set(DecantKeys.RemainderPrefix + folderLine.NameOf(folder.Prefixes[0], id.Layer, id.Expert, id.Part), GgufValue.From(remainders));
        }
    }

    /// <summary>True if a file has remainders for a tensor of the folder that is made from it.</summary>
    public static bool Has(GgufMetadata metadata, TensorLayout folder, TensorId id) =>
        folder.LineOf(id) is { } line && metadata.Find(DecantKeys.RemainderPrefix + line.NameOf(folder.Prefixes[0], id.Layer, id.Expert, id.Part)) is not null;

    /// <summary>A tensor of a folder that is made from a GGUF file, with its remainders if the file has any.</summary>
    /// <exception cref="BadFileException">The file has another number of them.</exception>
    public static TensorData Restore(TensorData tensor, GgufMetadata metadata)
    {
        string key = DecantKeys.RemainderPrefix + tensor.Info.Name;
        if (metadata.FindSingles(key) is not { } remainders)
            return tensor;
        if (remainders.Length != tensor.Info.Shape.ElementCount)
            throw BadFileException.Expected(metadata.Location, $"metadata key {key}", $"{tensor.Info.Shape.ElementCount} numbers", $"{remainders.Length}");
        float[] values = Read(tensor);
        for (int i = 0; i < values.Length; i++)
            values[i] += remainders[i];
        return MemoryTensor.FromValues(tensor.Info.Name, tensor.Info.Shape, values);
    }

    private static float[] Apply(Func<float, float> function, float[] values) => Array.ConvertAll(values, value => function(value));

    private static float[] Read(TensorData tensor)
    {
        float[] values = new float[checked((int)tensor.Info.Shape.ElementCount)];
        tensor.ReadRows(0, checked((int)tensor.Info.Shape.RowCount), values);
        return values;
    }
}
