using Decant.Core.Errors;
using Decant.Hub.Naming;

namespace Decant.Hub.Tests;

/// <summary>Which files of a repository are fetched.</summary>
public sealed class FileSelectionTests : HubTestCase
{
    [Theory]
    [InlineData("adapter_model.safetensors config.json pytorch_model.bin", "config.json pytorch_model.bin")]
    [InlineData("config.json model.safetensors pytorch_model.bin", "config.json model.safetensors")]
    [InlineData("config.json pytorch_model.bin optimizer.bin tf_model.h5", "config.json pytorch_model.bin")]
    [InlineData("config.json pytorch_model.bin.index.json pytorch_model-00001-of-00001.bin", "config.json pytorch_model.bin.index.json")]
    [InlineData("config.json weights.safetensors model.gguf", "config.json weights.safetensors")]
    [InlineData("config.json model.safetensors tokenizer.model vocab.json merges.txt LICENSE", "config.json tokenizer.model vocab.json merges.txt model.safetensors")]
    [InlineData("config.json model.safetensors tokenizer.json vocab.json merges.txt", "config.json tokenizer.json model.safetensors")]
    [InlineData("README.md model-Q4_K_M.gguf mmproj-f16.gguf", "model-Q4_K_M.gguf")]
    [InlineData("config.json big/m-00001-of-00002.gguf big/m-00002-of-00002.gguf", "big/m-00001-of-00002.gguf big/m-00002-of-00002.gguf")]
    public void The_files_that_are_read(string all, string expected) =>
        Assert.Equal(expected.Split(' '), FileSelection.Choose(HubReference.Parse("hf:org/model"), all.Split(' ')).Files);

    [Fact]
    public void Several_gguf_files_are_listed_as_they_are_named()
    {
        string[] all = ["README.md", "m.Q4_0.gguf", "m.Q8_0.gguf", "x/m-00001-of-00002.gguf", "x/m-00002-of-00002.gguf"];
        string message = Assert.Throws<UsageException>(() => FileSelection.Choose(HubReference.Parse("hf:org/model@v2"), all)).Message;
        Assert.Contains("3 GGUF models", message, StringComparison.Ordinal);
        foreach (string line in new[] { "\n  hf:org/model/m.Q4_0.gguf@v2", "\n  hf:org/model/m.Q8_0.gguf@v2", "\n  hf:org/model/x/m-00001-of-00002.gguf@v2" })
            Assert.Contains(line, message, StringComparison.Ordinal);
        Assert.Equal(["m.Q8_0.gguf"], FileSelection.Choose(HubReference.Parse("hf:org/model/m.Q8_0.gguf"), all).Files);
        Assert.Equal(2, FileSelection.Choose(HubReference.Parse("hf:org/model/x/m-00002-of-00002.gguf"), all).Files.Count);
        Assert.Contains("m.Q4_0.gguf", Assert.Throws<UsageException>(() => FileSelection.Choose(HubReference.Parse("hf:org/model/m.Q5_0.gguf"), all)).Message, StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => FileSelection.Choose(HubReference.Parse("hf:org/model/README.md"), all));
        Assert.Throws<BadFileException>(() => FileSelection.Choose(HubReference.Parse("hf:org/model"), ["x/m-00001-of-00002.gguf"]));
    }

    [Theory]
    [InlineData("tf_model.h5 config.json", "tf_model.h5")]
    [InlineData("model.safetensors", "no config.json")]
    [InlineData("README.md", "none of its 1 files")]
    public void A_repository_without_readable_weights_says_what_it_has(string all, string expected) =>
        Assert.Contains(expected, Assert.Throws<NotSupportedModelException>(() => FileSelection.Choose(HubReference.Parse("hf:org/model"), all.Split(' '))).Message, StringComparison.Ordinal);

    [Fact]
    public async Task A_gguf_file_is_fetched_alone()
    {
        Hub.AddLarge("a.gguf", LoopbackHub.Noise(1000, 1));
        Hub.AddLarge("b.gguf", LoopbackHub.Noise(1000, 2));
        HubModel model = await FetchAsync("hf:org/model/b.gguf");
        Assert.EndsWith(Path.Combine(LoopbackHub.Commit, "b.gguf"), model.Path, StringComparison.Ordinal);
        Assert.Equal(0, Hub.CountOf("a.gguf"));
        Hub.Requests.Clear();
        Assert.Equal(model.Path, (await FetchAsync("hf:org/model/b.gguf")).Path);
        Assert.Empty(Hub.Requests);
    }

    [Fact]
    public async Task Beside_gguf_files_the_weights_are_named()
    {
        Hub.WithModel();
        Hub.AddLarge("b.gguf", LoopbackHub.Noise(1000, 2));
        await FetchAsync("hf:org/model/b.gguf");
        Assert.EndsWith("model.safetensors", (await FetchAsync()).Path, StringComparison.Ordinal);
    }
}
