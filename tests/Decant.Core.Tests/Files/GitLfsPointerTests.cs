using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

/// <summary>A folder cloned without Git LFS has notes in place of its large files, and every reader calls them that.</summary>
public sealed class GitLfsPointerTests : IDisposable
{
    private const string Pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("model.safetensors", "model.safetensors")]
    [InlineData("model.safetensors", "")]
    [InlineData("pytorch_model.bin", "pytorch_model.bin")]
    [InlineData("pytorch_model.bin", "")]
    [InlineData("model.gguf", "model.gguf")]
    [InlineData("model.gguf", "")]
    [InlineData("model.safetensors.index.json", "model.safetensors.index.json")]
    [InlineData("config.json", "")]
    public void Weights_and_configs(string file, string named)
    {
        if (!file.EndsWith(".gguf", StringComparison.Ordinal))
            folder.Write("config.json", "{}");
        if (file == "config.json")
            folder.Write("model.safetensors", "{}");
        string path = folder.Write(file, Pointer);
        AssertCalledPointer(path, () => ModelSources.Open(named.Length == 0 ? folder.Path : folder[named]).Dispose());
    }

    [Fact]
    public void Shards()
    {
        folder.Write("config.json", "{}");
        folder.Write("model.safetensors.index.json", """{"weight_map":{"a":"model-00001-of-00001.safetensors"}}""");
        AssertCalledPointer(folder.Write("model-00001-of-00001.safetensors", Pointer), () => ModelSources.Open(folder.Path).Dispose());
    }

    [Fact]
    public void Tokenizers()
    {
        foreach (string name in TokenizerLoader.FileNames)
        {
            string path = folder.Write(name, Pointer);
            AssertCalledPointer(path, () => TokenizerLoader.LoadFolder(folder.Path));
            File.Delete(path);
        }
    }

    [Theory]
    [InlineData("version https://git-lfs.github.com/spec/v1")]
    [InlineData("version https://git-lfs.github.com/spec/v1\nsize -1\n")]
    [InlineData("version https://git-lfs.github.com/spec/v2\nsize 99999999999999999999999\n")]
    public void Damaged_pointers_are_pointers_still(string text)
    {
        string message = Assert.Throws<BadFileException>(() => ModelSources.Open(folder.Write("model.gguf", text))).Message;
        Assert.Contains("the file has not been fetched", message, StringComparison.Ordinal);
    }

    private static void AssertCalledPointer(string path, Action open)
    {
        string message = Assert.Throws<BadFileException>(open).Message;
        Assert.StartsWith(path + ": this is a Git LFS pointer", message, StringComparison.Ordinal);
        Assert.Contains("of 12345 bytes has not been fetched", message, StringComparison.Ordinal);
        Assert.Contains("'git lfs pull'", message, StringComparison.Ordinal);
        Assert.Contains("hf:ORG/NAME", message, StringComparison.Ordinal);
    }
}
