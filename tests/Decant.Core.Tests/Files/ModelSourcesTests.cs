using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

public class ModelSourcesTests
{
    [Fact]
    public void A_gguf_file_gives_metadata_and_tensors()
    {
        using IModelSource model = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        Assert.Equal("llama", model.Gguf!.GetString("general.architecture"));
        Assert.Equal(512, model.Gguf.FindStrings("tokenizer.ggml.tokens")!.Length);
        Assert.Null(model.HuggingFace);
        TensorData embedding = model.FindTensor("token_embd.weight")!;
        Assert.Equal(new TensorShape(512, 64), embedding.Info.Shape);
        Assert.Equal(5 * 9 + 2, model.Tensors.Count);
    }

    [Fact]
    public void A_folder_and_a_gguf_file_of_one_model_hold_the_same_numbers()
    {
        using IModelSource gguf = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using IModelSource folder = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        Assert.Equal("pt", folder.HuggingFace!.SafetensorsMetadata["format"]);
        Assert.Equal(64, (int)folder.HuggingFace.Config["hidden_size"]!);
        Assert.Equal(Values(gguf.FindTensor("token_embd.weight")!), Values(folder.FindTensor("model.embed_tokens.weight")!));
        Assert.Equal(Values(gguf.FindTensor("blk.4.ffn_down.weight")!), Values(folder.FindTensor("model.layers.4.mlp.down_proj.weight")!));
    }

    [Fact]
    public void A_folder_stays_the_model_that_its_config_names_when_a_gguf_file_lies_beside()
    {
        using TemporaryFolder folder = new TemporaryFolder().CopyFrom(SharedFiles.Require("models", "stories260K", "hf"));
        string file = folder["converted.gguf"];
        File.Copy(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"), file);
        using (IModelSource opened = ModelSources.Open(folder.Path))
            Assert.NotNull(opened.HuggingFace);
        using (IModelSource named = ModelSources.Open(file))
            Assert.NotNull(named.Gguf);
        // Without weights of the usual names it is not clear which model is meant; without any it is.
        File.Move(folder["model.safetensors"], folder["adapter.safetensors"]);
        Assert.Contains("Name the file to open", Assert.Throws<BadFileException>(() => ModelSources.Open(folder.Path)).Message, StringComparison.Ordinal);
        File.Delete(folder["adapter.safetensors"]);
        using IModelSource alone = ModelSources.Open(folder.Path);
        Assert.NotNull(alone.Gguf);
    }

    [Fact]
    public void Every_architecture_folder_opens_and_reads_as_the_independent_reader_does()
    {
        SharedFiles.RequireWholeSet();
        string[] folders = [.. SharedFiles.Folders("fixtures", "architectures")];
        Assert.SkipWhen(folders.Length == 0, "needs shared/fixtures/architectures");
        int tensorCount = 0;
        foreach (string name in folders)
        {
            string folder = SharedFiles.Require("fixtures", "architectures", name);
            using IModelSource model = ModelSources.Open(folder);
            foreach (SafetensorsFixture expected in Directory.GetFiles(folder, "model*.safetensors").Select(f => new SafetensorsFixture(f)))
            {
                foreach (string tensorName in expected.Names)
                {
                    TensorData tensor = model.FindTensor(tensorName)!;
                    Assert.Equal(expected.Shape(tensorName), tensor.Info.Shape.Dimensions.ToArray());
                    byte[] bytes = new byte[tensor.Info.ByteCount];
                    tensor.CopyRows(0, (int)tensor.Info.Shape.RowCount, bytes);
                    Assert.True(expected.Bytes(tensorName).SequenceEqual(bytes), $"{name}: {tensorName}");
                    tensorCount++;
                }
            }
        }
        Assert.True(folders.Length > 50 && tensorCount > 1000, $"{folders.Length} folders, {tensorCount} tensors");
    }

    [Fact]
    public void Pythons_spelling_of_infinity_is_read_outside_strings_only()
    {
        using var folder = new TemporaryFolder();
        string path = folder.Write("config.json", """{"limits": [-Infinity, Infinity], "text": "Infinity \\\"Infinity"}"""u8);
        JsonObject config = JsonSideFile.Read(path);
        Assert.Equal([double.NegativeInfinity, double.PositiveInfinity], config["limits"]!.AsArray().Select(n => (double)n!));
        Assert.Equal("Infinity \\\"Infinity", (string)config["text"]!);
    }

    private static float[] Values(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
        return values;
    }
}
