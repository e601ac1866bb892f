using System.Text.Json.Nodes;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Testing;

/// <summary>A model put together in memory: tensors of any origin under a config or GGUF metadata of the test's choice. Owns nothing.</summary>
public sealed class MemoryModelSource : IModelSource
{
    private MemoryModelSource(IReadOnlyList<TensorData> tensors, HuggingFaceFiles? huggingFace, GgufMetadata? gguf)
    {
        Tensors = tensors;
        HuggingFace = huggingFace;
        Gguf = gguf;
    }

    /// <inheritdoc/>
    public string Location => "memory";

    /// <inheritdoc/>
    public GgufMetadata? Gguf { get; }

    /// <inheritdoc/>
    public HuggingFaceFiles? HuggingFace { get; }

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> Tensors { get; }

    /// <summary>A Hugging Face model.</summary>
    public static MemoryModelSource WithConfig(JsonObject config, IReadOnlyList<TensorData> tensors) =>
        new(tensors, new HuggingFaceFiles("memory", config, null, null, new Dictionary<string, string>()), null);

    /// <summary>A GGUF model.</summary>
    public static MemoryModelSource WithMetadata(GgufMetadata metadata, IReadOnlyList<TensorData> tensors) => new(tensors, null, metadata);

    /// <inheritdoc/>
    public TensorData? FindTensor(string name) => Tensors.FirstOrDefault(tensor => tensor.Info.Name == name);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
