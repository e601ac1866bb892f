using System.Text;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

/// <summary>Folders that are no sound model, and indexes that lie.</summary>
public sealed class ModelFolderTests : IDisposable
{
    private const string Scalar = """{"dtype":"F32","shape":[],"data_offsets":[0,4]}""";

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string, string> BadIndexes => new()
    {
        { "{}", "weight_map" },
        { """{"weight_map":[]}""", "weight_map" },
        { """{"weight_map":{}}""", "1 to" },
        { """{"weight_map":{"a":1}}""", "weight_map a" },
        { """{"weight_map":{"a":"../a.safetensors"}}""", "own folder" },
        { """{"weight_map":{"a":"/etc/a.safetensors"}}""", "own folder" },
        { """{"weight_map":{"a":"sub\\a.safetensors"}}""", "own folder" },
        { """{"weight_map":{"a":"C:a.safetensors"}}""", "own folder" },
        { """{"weight_map":{"a":"model.safetensors.index.json"}}""", "own folder" },
        { """{"weight_map":{"a":"a.safetensors","b":"missing.safetensors"}}""", "missing shard" },
        { """{"weight_map":{"a":"a.safetensors","a":"b.safetensors"}}""", "JSON" },
        { """{"weight_map":{"a":"a.safetensors","b":"a.safetensors"}}""", "tensor b" },
        { """{"weight_map":{"b":"a.safetensors","a":"b.safetensors"}}""", "it in" },
        { """{"weight_map":{"a":"a.safetensors","b":"c.safetensors"}}""", "each tensor in one file" },
        { "{\"weight_map\":", "JSON" },
        { "[1,2]", "object" },
    };

    [Theory]
    [MemberData(nameof(BadIndexes))]
    public void An_index_that_lies_is_refused(string index, string word)
    {
        WriteShard("a.safetensors", "a");
        WriteShard("b.safetensors", "b");
        WriteShard("c.safetensors", "a");
        folder.Write("config.json", "{}"u8);
        folder.Write(ShardIndex.SafetensorsName, Encoding.UTF8.GetBytes(index));
        BadFileException error = Assert.Throws<BadFileException>(() => ModelSources.Open(folder.Path));
        Assert.True(error.Message.Contains(word, StringComparison.Ordinal), error.Message);
    }

    [Fact]
    public void Files_that_the_index_does_not_name_are_not_opened()
    {
        folder.Write("a.safetensors", "damaged"u8);
        WriteShard("b.safetensors", "b");
        folder.Write("config.json", "{}"u8);
        folder.Write(ShardIndex.SafetensorsName, """{"weight_map":{"b":"b.safetensors"}}"""u8);
        using IModelSource model = ModelSources.Open(folder.Path);
        Assert.Equal(["b"], model.Tensors.Select(t => t.Info.Name));
    }

    [Fact]
    public void A_folder_without_config_says_so()
    {
        WriteShard("model.safetensors", "a");
        Assert.Contains("config.json", Fails<BadFileException>(folder.Path), StringComparison.Ordinal);
        Assert.Contains("config.json", Fails<BadFileException>(folder["model.safetensors"]), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"a\":NaN}")]
    public void A_config_that_is_no_object_is_refused(string config)
    {
        WriteShard("model.safetensors", "a");
        folder.Write("config.json", Encoding.UTF8.GetBytes(config));
        Assert.StartsWith(folder["config.json"], Fails<BadFileException>(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_without_weights_or_with_those_of_others_says_what_to_do()
    {
        Assert.Contains("no weights", Fails<BadFileException>(folder.Path), StringComparison.Ordinal);
        folder.Write("tf_model.h5", "x"u8);
        Assert.Contains("safetensors", Fails<NotSupportedModelException>(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_many_candidates_asks_which()
    {
        folder.Write("config.json", "{}"u8);
        WriteShard("one.safetensors", "a");
        using (IModelSource model = ModelSources.Open(folder.Path))
            Assert.Single(model.Tensors);
        WriteShard("two.safetensors", "b");
        Assert.Contains("Download the index", Fails<BadFileException>(folder.Path), StringComparison.Ordinal);
        using (IModelSource model = ModelSources.Open(folder["two.safetensors"]))
            Assert.Equal("b", model.Tensors.Single().Info.Name);
        folder.Write("m.gguf", GgufFileTests.Whole());
        Assert.Contains("both", Fails<BadFileException>(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_of_one_gguf_file_opens_it_and_of_several_asks_which()
    {
        folder.Write("m.gguf", GgufFileTests.Whole());
        using (IModelSource model = ModelSources.Open(folder.Path))
            Assert.NotNull(model.Gguf);
        folder.Write("n.gguf", GgufFileTests.Whole());
        Assert.Contains("Name the file", Fails<BadFileException>(folder.Path), StringComparison.Ordinal);
    }

    [Fact]
    public void A_gguf_file_of_any_name_is_known_by_its_magic()
    {
        using IModelSource model = ModelSources.Open(folder.Write("blob-sha256", GgufFileTests.Whole()));
        Assert.NotNull(model.Gguf);
    }

    [Fact]
    public void Paths_that_are_no_model_are_refused()
    {
        Assert.Contains("no such", Fails<BadFileException>(folder["none"]), StringComparison.Ordinal);
        Assert.Contains("folder instead", Fails<BadFileException>(folder.Write("config.json", "{}"u8)), StringComparison.Ordinal);
        Assert.Contains("local files", Fails<UsageException>("hf:org/model"), StringComparison.Ordinal);
    }

    private static string Fails<T>(string path)
        where T : DecantException => Assert.Throws<T>(() => ModelSources.Open(path)).Message;

    private void WriteShard(string name, string tensor) =>
        folder.Write(name, SafetensorsFileTests.WithHeader($$"""{"{{tensor}}":{{Scalar}}}""", new byte[4]));
}
