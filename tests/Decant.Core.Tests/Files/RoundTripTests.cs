using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Files;

public class RoundTripTests
{
    [Fact]
    public void Real_gguf_files_are_written_back_byte_for_byte()
    {
        string[] files = [.. Directory.EnumerateFiles(SharedFiles.Require("models"), "*.gguf", SearchOption.AllDirectories)];
        Assert.True(files.Length >= 2);
        using var folder = new TemporaryFolder();
        foreach (string path in files)
        {
            using GgufFile file = GgufFile.Open(path);
            string copy = folder[Path.GetFileName(path)];
            using (FileStream stream = File.Create(copy))
            using (var writer = new GgufWriter(stream, copy, file.Metadata, [.. file.Tensors.Select(t => t.Info)]))
            {
                foreach (MappedTensor tensor in file.Tensors)
                    writer.WriteTensor(tensor, TestContext.Current.CancellationToken);
                writer.Complete();
                Assert.Equal(writer.ByteCount, stream.Length);
            }
            Assert.Equal(file.ByteCount, new GgufLayout(file.Metadata, [.. file.Tensors.Select(t => t.Info)]).ByteCount);
            AssertSameBytes(path, copy);
        }
    }

    [Fact]
    public void Every_safetensors_file_of_the_fixtures_is_written_back_byte_for_byte()
    {
        string[] files = [.. Directory.EnumerateFiles(SharedFiles.Require("fixtures", "architectures"), "*.safetensors", SearchOption.AllDirectories)
            .Append(SharedFiles.Require("models", "stories260K", "hf", "model.safetensors"))];
        Assert.True(files.Length > 100, $"{files.Length} files");
        using var folder = new TemporaryFolder();
        foreach (string path in files)
        {
            using SafetensorsFile file = SafetensorsFile.Open(path);
            string copy = folder["copy.safetensors"];
            using (FileStream stream = File.Create(copy))
            using (var writer = new SafetensorsWriter(stream, copy, file.Tensors.Select(t => t.Info).Reverse(), file.Metadata))
            {
                foreach (TensorInfo tensor in writer.Tensors)
                    writer.WriteTensor(file.FindTensor(tensor.Name)!, TestContext.Current.CancellationToken);
                writer.Complete();
                Assert.Equal(writer.ByteCount, stream.Length);
            }
            AssertSameBytes(path, copy);
        }
    }

    [Fact]
    public void A_folder_cut_into_shards_reads_as_the_same_model()
    {
        using IModelSource original = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(original.HuggingFace!.Folder, "config.json"), folder["config.json"]);
        using (var writer = new SafetensorsFolderWriter(folder.Path, name => File.Create(folder[name]),
            new SafetensorsFolderLayout(original.Tensors.Select(t => t.Info), original.HuggingFace.SafetensorsMetadata, maximumShardByteCount: 100_000)))
        {
            CopyAll(original, writer);
            Assert.True(writer.ShardCount > 3);
        }
        using IModelSource copy = ModelSources.Open(folder.Path);
        AssertSameTensors(original, copy);
        Assert.Equal("pt", copy.HuggingFace!.SafetensorsMetadata["format"]);
        using IModelSource byIndex = ModelSources.Open(folder[ShardIndex.SafetensorsName]);
        AssertSameTensors(original, byIndex);
    }

    [Fact]
    public void A_gguf_model_cut_into_files_opens_whole_from_any_of_them()
    {
        using IModelSource original = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using var folder = new TemporaryFolder();
        int count;
        using (var writer = new GgufSplitWriter(folder.Path, "part", name => File.Create(folder[name]), original.Gguf!,
            [.. original.Tensors.Select(t => t.Info)], maximumShardByteCount: 300_000))
        {
            CopyAll(original, writer);
            count = writer.ShardCount;
        }
        Assert.True(count > 2);
        string[] files = Directory.GetFiles(folder.Path);
        Assert.Equal(count, files.Length);
        foreach (string file in files)
        {
            using IModelSource copy = ModelSources.Open(file);
            AssertSameTensors(original, copy);
            Assert.Equal(original.Gguf!.Entries.Select(e => e.Key), copy.Gguf!.Entries.Select(e => e.Key));
        }
    }

    [Fact]
    public void The_peer_reads_a_split_that_decant_wrote()
    {
        Peer.RequireProgram();
        using IModelSource original = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using var folder = new TemporaryFolder();
        using (var writer = new GgufSplitWriter(folder.Path, "part", name => File.Create(folder[name]), original.Gguf!,
            [.. original.Tensors.Select(t => t.Info)], maximumShardByteCount: 300_000))
        {
            CopyAll(original, writer);
        }
        string first = Directory.GetFiles(folder.Path).Order(StringComparer.Ordinal).First();
        string text = SharedFiles.Require("models", "stories260K", "story.txt");
        string whole = Peer.Run(["ppl", original.Location, text, "1", "128", "2"]);
        string split = Peer.Run(["ppl", first, text, "1", "128", "2"]);
        Assert.Equal(Perplexity(whole), Perplexity(split));
    }

    private static string Perplexity(string output) =>
        output.Split(' ')[1];

    private static void CopyAll(IModelSource source, TensorWriter writer)
    {
        foreach (TensorInfo tensor in writer.Tensors)
            writer.WriteTensor(source.FindTensor(tensor.Name)!, TestContext.Current.CancellationToken);
        writer.Complete();
    }

    private static void AssertSameTensors(IModelSource expected, IModelSource actual)
    {
        Assert.Equal(expected.Tensors.Count, actual.Tensors.Count);
        foreach (TensorData tensor in expected.Tensors)
        {
            TensorData other = actual.FindTensor(tensor.Info.Name)!;
            Assert.Equal(tensor.Info, other.Info);
            Assert.True(tensor.TryGetRows(0, (int)tensor.Info.Shape.RowCount, out ReadOnlySpan<byte> a));
            Assert.True(other.TryGetRows(0, (int)tensor.Info.Shape.RowCount, out ReadOnlySpan<byte> b));
            Assert.True(a.SequenceEqual(b), tensor.Info.Name);
        }
    }

    private static void AssertSameBytes(string expected, string actual)
    {
        using MappedFile a = MappedFile.Open(expected);
        using MappedFile b = MappedFile.Open(actual);
        Assert.Equal(a.Length, b.Length);
        Assert.True(a.Slice(0, (int)a.Length).SequenceEqual(b.Slice(0, (int)b.Length)), expected);
    }
}
