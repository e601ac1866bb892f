using Decant.Core.Errors;

namespace Decant.Hub.Tests;

/// <summary>How models of the hub are written, and what is pasted from a browser.</summary>
public sealed class HubReferenceTests
{
    [Theory]
    [InlineData("hf:org/name", "org/name", null, "main")]
    [InlineData("hf:org/name@v1.0", "org/name", null, "v1.0")]
    [InlineData("hf:org/name@refs/pr/3", "org/name", null, "refs/pr/3")]
    [InlineData("hf:org/name/a/b.gguf@dev", "org/name", "a/b.gguf", "dev")]
    [InlineData("hf:gpt2", "gpt2", null, "main")]
    [InlineData("hf://org/name/", "org/name", null, "main")]
    [InlineData("hf:org/name/tree/main", "org/name", null, "main")]
    [InlineData("hf:org/name/tree/v1.0/", "org/name", null, "v1.0")]
    [InlineData("hf:org/name/tree/v1.0@v1.0", "org/name", null, "v1.0")]
    [InlineData("hf:org/name/tree/refs%2Fpr%2F3", "org/name", null, "refs/pr/3")]
    [InlineData("hf:org/name/tree/refs/pr/3", "org/name", null, "refs/pr/3")]
    [InlineData("hf:org/name/blob/dev/a/b.gguf", "org/name", "a/b.gguf", "dev")]
    [InlineData("hf:gpt2/tree/main", "gpt2", null, "main")]
    [InlineData("hf:org/name/tree/x.gguf", "org/name", "tree/x.gguf", "main")]
    [InlineData("hf:org/name/raw/x.GGUF@dev", "org/name", "raw/x.GGUF", "dev")]
    [InlineData("hf:org/name/tree/v1.gguf/x.gguf", "org/name", "x.gguf", "v1.gguf")]
    [InlineData("hf:org/name/a%20b.gguf", "org/name", "a%20b.gguf", "main")]
    [InlineData("https://huggingface.co/org/name", "org/name", null, "main")]
    [InlineData("hf:https://huggingface.co/org/name/", "org/name", null, "main")]
    [InlineData("http://www.huggingface.co/gpt2?library=transformers#card", "gpt2", null, "main")]
    [InlineData("HTTPS://HF.co/org/name.git", "org/name", null, "main")]
    [InlineData("https://user:hf_secret@huggingface.co/org/name", "org/name", null, "main")]
    [InlineData("https://huggingface.co/org/name@v2", "org/name", null, "v2")]
    [InlineData("https://huggingface.co/org/name/tree/feature%2Fx", "org/name", null, "feature/x")]
    [InlineData("https://huggingface.co/org/name/tree/main?show_file_info=a.gguf", "org/name", null, "main")]
    [InlineData("https://huggingface.co/org/name/resolve/main/x/a%20b.gguf?download=true", "org/name", "x/a b.gguf", "main")]
    [InlineData("https://huggingface.co/gpt2/blob/main/model.gguf", "gpt2", "model.gguf", "main")]
    [InlineData("https://mirror.example:8443/hub/org/name/tree/v1", "org/name", null, "v1")]
    public void Names_are_read(string text, string repository, string? file, string revision) =>
        Assert.Equal(new HubReference(repository, file, revision), HubReference.Parse(text, new Uri("https://mirror.example:8443/hub")));

    [Theory]
    [InlineData("hf:")]
    [InlineData("hf:org/")]
    [InlineData("hf:../x")]
    [InlineData("hf:org/na me")]
    [InlineData("hf:org/name@")]
    [InlineData("hf:org/name@../x")]
    [InlineData("hf:org/name@/x")]
    [InlineData("hf:org/name/../../x.gguf")]
    [InlineData("hf:org/na--me")]
    [InlineData("hf:org/name//x.gguf")]
    [InlineData("org/name")]
    [InlineData("hf:org/name/tree/../x")]
    [InlineData("hf:org/name/tree/a@b")]
    [InlineData("https://huggingface.co")]
    [InlineData("https://huggingface.co/")]
    [InlineData("https://huggingface.co/datasets/org/name")]
    [InlineData("https://huggingface.co/models?search=x")]
    [InlineData("https://huggingface.co/org/name/resolve/main/..%2F..%2Fx.gguf")]
    [InlineData("https://mirror.example/org/name")]
    [InlineData("https://example.com/org/name")]
    [InlineData("hf:https://")]
    [InlineData("https://[")]
    public void Names_that_cannot_be_are_refused(string text) =>
        Assert.Contains("hf:ORG/NAME", Assert.Throws<UsageException>(() => HubReference.Parse(text, new Uri("https://mirror.example:8443/hub"))).Message, StringComparison.Ordinal);

    [Fact]
    public void Other_pages_of_a_model_say_how_it_is_written()
    {
        string message = Assert.Throws<UsageException>(() => HubReference.Parse("https://u:hf_secret@huggingface.co/org/name/discussions/3")).Message;
        Assert.Contains("Write hf:org/name.", message, StringComparison.Ordinal);
        Assert.DoesNotContain("hf_secret", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("org/name", "hf:org/name")]
    [InlineData("huggingface.co/org/name/tree/v1", "hf:org/name@v1")]
    [InlineData("huggingface.co/gpt2", "hf:gpt2")]
    [InlineData("./name", null)]
    [InlineData("out/name.gguf", null)]
    [InlineData("name", null)]
    [InlineData("folder/", null)]
    [InlineData("a/b/c", null)]
    [InlineData("/org/name", null)]
    public void What_is_no_path_may_be_meant_as_a_name(string text, string? expected) => Assert.Equal(expected, HubReference.Suggest(text));
}
