using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files.PyTorch;

/// <summary>Model folders whose weights are PyTorch files.</summary>
public sealed class PyTorchModelSourceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void A_folder_of_PyTorch_files_is_the_same_model(int shardCount)
    {
        using IModelSource original = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        WriteFolder(original, shardCount);
        using IModelSource copy = ModelSources.Open(folder.Path);
        Assert.IsType<PyTorchModelSource>(copy);
        Assert.Equal("pt", copy.HuggingFace!.SafetensorsMetadata["format"]);
        Assert.Equal(original.HuggingFace!.Config.ToJsonString(), copy.HuggingFace.Config.ToJsonString());
        Assert.Equal(original.Tensors.Select(t => t.Info).OrderBy(i => i.Name, StringComparer.Ordinal), copy.Tensors.Select(t => t.Info).OrderBy(i => i.Name, StringComparer.Ordinal));
        foreach (TensorData tensor in original.Tensors)
            Assert.Equal(Bytes(tensor), Bytes(copy.FindTensor(tensor.Info.Name)!));
        using IModelSource byFile = ModelSources.Open(folder[shardCount == 1 ? "pytorch_model.bin" : ShardIndex.PyTorchName]);
        Assert.Equal(original.Tensors.Count, byFile.Tensors.Count);
    }

    [Fact]
    public void Safetensors_come_first()
    {
        using TemporaryFolder both = new TemporaryFolder().CopyFrom(SharedFiles.Require("models", "stories260K", "hf"));
        both.Write("pytorch_model.bin", "damaged"u8);
        using IModelSource source = ModelSources.Open(both.Path);
        Assert.IsType<HuggingFaceModelSource>(source);
    }

    [Fact]
    public void Indexes_that_lie_and_folders_that_lack_something_are_refused()
    {
        folder.Write("config.json", "{}"u8);
        byte[] file = TorchArchive.Of(PickleWriter.Tensors("FloatStorage", ("w", [1])), new byte[4]).ToBytes();
        folder.Write("pytorch_model-00001-of-00002.bin", file);
        using (IModelSource single = ModelSources.Open(folder.Path))
            Assert.Equal("w", single.Tensors.Single().Info.Name);
        folder.Write("pytorch_model-00002-of-00002.bin", file);
        Assert.Contains("Download the index", Fails(folder.Path), StringComparison.Ordinal);
        foreach ((string index, string expected) in new[]
        {
            ("""{"weight_map":{"w":"pytorch_model-00001-of-00002.bin","v":"pytorch_model-00002-of-00002.bin"}}""", "each tensor in one file"),
            ("""{"weight_map":{"v":"pytorch_model-00001-of-00002.bin"}}""", "no such tensor"),
            ("""{"weight_map":{"w":"../x.bin"}}""", "own folder"),
            ("""{"weight_map":{"w":"model.safetensors"}}""", "own folder"),
            ("""{"weight_map":{"w":"none.bin"}}""", "missing shard"),
        })
        {
            folder.Write(ShardIndex.PyTorchName, index);
            Assert.Contains(expected, Fails(folder.Path), StringComparison.Ordinal);
        }
        File.Delete(folder["config.json"]);
        Assert.Contains("config.json", Fails(folder.Path), StringComparison.Ordinal);
    }

    private static string Fails(string path) => Assert.Throws<BadFileException>(() => ModelSources.Open(path)).Message;

    private void WriteFolder(IModelSource source, int shardCount)
    {
        foreach (string path in Directory.EnumerateFiles(source.HuggingFace!.Folder, "*.json"))
            File.Copy(path, folder[Path.GetFileName(path)]);
        TensorData[][] shards = [.. source.Tensors.Chunk((source.Tensors.Count + shardCount - 1) / shardCount)];
        var map = new JsonObject();
        for (int i = 0; i < shards.Length; i++)
        {
            string name = shardCount == 1 ? "pytorch_model.bin" : $"pytorch_model-{i + 1:D5}-of-{shardCount:D5}.bin";
            // One type of storage each: the model is of one type.
            string type = shards[i][0].Info.Format.Name switch { "F32" => "FloatStorage", "F16" => "HalfStorage", _ => "BFloat16Storage" };
            Assert.All(shards[i], tensor => Assert.Equal(shards[i][0].Info.Format, tensor.Info.Format));
            byte[] pickle = PickleWriter.Tensors(type, [.. shards[i].Select(tensor => (tensor.Info.Name, tensor.Info.Shape.Dimensions.ToArray()))]);
            folder.Write(name, TorchArchive.Of(pickle, [.. shards[i].Select(Bytes)]).ToBytes());
            foreach (TensorData tensor in shards[i])
                map[tensor.Info.Name] = name;
        }
        if (shardCount > 1)
            folder.Write(ShardIndex.PyTorchName, new JsonObject { ["weight_map"] = map }.ToJsonString());
    }

    private static byte[] Bytes(TensorData tensor)
    {
        byte[] bytes = new byte[tensor.Info.ByteCount];
        tensor.CopyRows(0, (int)tensor.Info.Shape.RowCount, bytes);
        return bytes;
    }
}
