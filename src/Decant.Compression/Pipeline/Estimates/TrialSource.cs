using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>A GGUF model made up in memory.</summary>
internal sealed class TrialSource : IModelSource
{
    private readonly Dictionary<string, TensorData> byName;

    public TrialSource(string location, GgufMetadata metadata, IReadOnlyList<TensorData> tensors)
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
