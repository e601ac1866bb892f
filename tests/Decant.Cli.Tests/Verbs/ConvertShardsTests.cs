using System.Text.Json;
using Decant.Core.Tests.Files.PyTorch;
using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

/// <summary>Folders of several files, of 16-bit numbers, of PyTorch's older form: all ways in and out.</summary>
public sealed class ConvertShardsTests : IDisposable
{
    private const int ShardByteCount = 100_000;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("cut", "big", "5GB")]
    [InlineData("cut.gguf", "1GB", "llama-gguf-split")]
    public void Sizes_that_make_no_sense_are_refused(string output, string size, string expected)
    {
        CommandRun run = CommandRun.Of("convert", SharedModels.StoriesFolder, "-o", folder[output], "--max-shard-size", size);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
        Assert.Empty(folder.Names);
    }

    [Theory]
    [InlineData("convert", "--type", "bf16")]
    [InlineData("convert", "--type", "f32")]
    [InlineData("compress", "--to", "q8_0")]
    public void Weights_are_cut_at_the_size_asked_for_and_read_back_as_one_model(string verb, string option, string type)
    {
        CommandRun.Succeed(verb, SharedModels.StoriesFolder, "-o", folder["whole"], option, type);
        CommandRun.Succeed(verb, SharedModels.StoriesFolder, "-o", folder["cut"], option, type, "--max-shard-size", "100KB");
        Assert.True(File.Exists(Path.Combine(folder["whole"], "model.safetensors")));
        Assert.False(File.Exists(Path.Combine(folder["cut"], "model.safetensors")));
        string[] shards = [.. Directory.EnumerateFiles(folder["cut"], "model-*.safetensors").Order(StringComparer.Ordinal)];
        Assert.InRange(shards.Length, 3, 40);
        Assert.EndsWith($"-of-{shards.Length:D5}.safetensors", shards[0], StringComparison.Ordinal);

        JsonElement index = JsonDocument.Parse(File.ReadAllText(Path.Combine(folder["cut"], "model.safetensors.index.json"))).RootElement;
        long total = 0;
        foreach (string shard in shards)
        {
            var file = new SafetensorsFixture(shard);
            long byteCount = file.Names.Sum(name => (long)file.Bytes(name).Length);
            Assert.True(byteCount <= ShardByteCount || file.Names.Count() == 1, $"{shard}: {byteCount}");
            total += byteCount;
            Assert.All(file.Names, name => Assert.Equal(Path.GetFileName(shard), index.GetProperty("weight_map").GetProperty(name).GetString()));
        }
        Assert.Equal(total, index.GetProperty("metadata").GetProperty("total_size").GetInt64());

        // The same file comes of both, and the tied head is stored in none.
        CommandRun.Succeed("convert", folder["whole"], "-o", folder["whole.gguf"]);
        CommandRun.Succeed("convert", folder["cut"], "-o", folder["cut.gguf"]);
        Assert.Equal(File.ReadAllText(folder["whole.gguf"], System.Text.Encoding.Latin1), File.ReadAllText(folder["cut.gguf"], System.Text.Encoding.Latin1));
        Assert.DoesNotContain(index.GetProperty("weight_map").EnumerateObject(), entry => entry.Name == "lm_head.weight");
        Assert.True(CommandRun.Succeed("inspect", folder["cut"], "--json").Json.GetProperty("layout").GetProperty("tied_embeddings").GetBoolean());
    }

    [Fact]
    public void Sixteen_bit_numbers_pass_through_unchanged()
    {
        CommandRun.Succeed("convert", SharedModels.StoriesFolder, "-o", folder["bf16"], "--type", "bf16", "--max-shard-size", "100KB");
        Assert.Equal(["BF16"], Types(folder["bf16"]));
        CommandRun.Succeed("convert", folder["bf16"], "-o", folder["bf16.gguf"]);
        Assert.Equal(["BF16", "F32"], Types(folder["bf16.gguf"]).Order(StringComparer.Ordinal));
        CommandRun.Succeed("convert", folder["bf16.gguf"], "-o", folder["back"]);
        var before = Directory.EnumerateFiles(folder["bf16"], "model-*.safetensors").Select(path => new SafetensorsFixture(path)).ToArray();
        var after = new SafetensorsFixture(Path.Combine(folder["back"], "model.safetensors"));
        foreach (SafetensorsFixture shard in before)
        {
            foreach (string name in shard.Names.Where(name => shard.Shape(name).Length == 2))
                Assert.Equal(shard.Bytes(name), after.Bytes(name));
        }
        Assert.Equal(before.Sum(shard => shard.Names.Count()), after.Names.Count());
    }

    [Fact]
    public void PyTorch_files_give_the_bytes_that_safetensors_give()
    {
        using TemporaryFolder model = new TemporaryFolder().CopyFrom(SharedModels.StoriesFolder);
        var weights = new SafetensorsFixture(model["model.safetensors"]);
        string[] names = [.. weights.Names];
        Assert.All(names, name => Assert.Equal("F32", weights.Type(name)));
        byte[] pickle = PickleWriter.Tensors("FloatStorage", [.. names.Select(name => (name, weights.Shape(name)))]);
        model.Write("pytorch_model.bin", TorchArchive.Of(pickle, [.. names.Select(name => weights.Bytes(name).ToArray())]).ToBytes());
        File.Delete(model["model.safetensors"]);
        CommandRun.Succeed("compress", SharedModels.StoriesFolder, "-o", folder["a.gguf"], "--to", "q8_0");
        CommandRun.Succeed("compress", model.Path, "-o", folder["b.gguf"], "--to", "q8_0");
        Assert.Equal(File.ReadAllText(folder["a.gguf"], System.Text.Encoding.Latin1), File.ReadAllText(folder["b.gguf"], System.Text.Encoding.Latin1));
        CommandRun.Succeed("convert", model.Path, "-o", folder["safe"]);
        Assert.True(File.Exists(Path.Combine(folder["safe"], "model.safetensors")));
        Assert.Equal("Once", CommandRun.Succeed("run", model.Path, "Once", "-n", "4", "--json").Json.GetProperty("prompt").GetString());

        model.Write("pytorch_model.bin", TorchArchive.Of(new PickleWriter().Global("os", "system").Raw('(').Text("touch " + folder["executed"]).Raw('t', 'R').End()).ToBytes());
        CommandRun hostile = CommandRun.Of("inspect", model.Path);
        Assert.Equal(4, hostile.ExitCode);
        Assert.Contains("'os.system'", hostile.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(folder["executed"]));
    }

    private static string[] Types(string path) =>
        [.. CommandRun.Succeed("inspect", path, "--json").Json.GetProperty("types").EnumerateArray().Select(type => type.GetProperty("type").GetString()!)];
}
