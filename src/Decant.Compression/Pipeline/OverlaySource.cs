using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>A GGUF model whose tensors are views of another one's. Does not own what it shows.</summary>
internal sealed class OverlaySource : IModelSource
{
    private readonly Dictionary<string, TensorData> byName;

    public OverlaySource(string location, GgufMetadata metadata, IReadOnlyList<TensorData> tensors)
    {
        Location = location;
        Gguf = metadata;
        Tensors = tensors;
        byName = tensors.ToDictionary(t => t.Info.Name, StringComparer.Ordinal);
    }

    /// <inheritdoc/>
    public string Location { get; }

    /// <inheritdoc/>
    public GgufMetadata Gguf { get; }

    /// <inheritdoc/>
    public HuggingFaceFiles? HuggingFace => null;

    /// <inheritdoc/>
    public IReadOnlyList<TensorData> Tensors { get; }

    /// <inheritdoc/>
    public TensorData? FindTensor(string name) => byName.GetValueOrDefault(name);

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
