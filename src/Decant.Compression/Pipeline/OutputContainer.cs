namespace Decant.Compression.Pipeline;

/// <summary>What an output is: one file or a folder.</summary>
public enum OutputContainer
{
    /// <summary>A GGUF file.</summary>
    Gguf,
    /// <summary>A Hugging Face folder with config.json and safetensors.</summary>
    HuggingFace,
}

/// <summary>Tells containers by path.</summary>
public static class OutputContainers
{
    /// <summary>A path that ends in <c>.gguf</c> is a GGUF file, any other a folder.</summary>
    public static OutputContainer ForPath(string path) =>
        path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase) ? OutputContainer.Gguf : OutputContainer.HuggingFace;
}
