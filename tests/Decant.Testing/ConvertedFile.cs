using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Xunit;

namespace Decant.Testing;

/// <summary>Writes a described model as a GGUF file.</summary>
public static class ConvertedFile
{
    /// <summary>Writes <c>model.gguf</c> and returns its path.</summary>
    public static string Write(TemporaryFolder folder, GgufDescription description)
    {
        using var stream = new FileStream(folder["model.gguf"], FileMode.Create);
        using var writer = new GgufWriter(stream, stream.Name, description.Metadata, [.. description.Tensors.Select(t => t.Info)]);
        foreach (TensorData tensor in description.Tensors)
            writer.WriteTensor(tensor, TestContext.Current.CancellationToken);
        writer.Complete();
        return stream.Name;
    }
}
