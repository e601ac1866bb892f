using System.Text.Json.Nodes;
using Decant.Compression.Pipeline;
using Decant.Compression.Verification;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;
using Decant.Core.Tokenizers;
using Decant.Evaluation;
using Decant.Testing;

namespace Decant.Compression.Tests.Pipeline;

public sealed class ConvertJobTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> LlamaFixtures =>
        [.. SharedFiles.Folders("fixtures", "architectures").Where(name => name.StartsWith("llama", StringComparison.Ordinal))];

    public void Dispose() => folder.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private ConvertResult Convert(string input, string output, TensorFormat? format = null, long? shard = null, bool withProbe = true)
    {
        using IModelSource source = ModelSources.Open(input);
        return ConvertJob.Run(
            source,
            new ConvertOptions
            {
                OutputPath = folder[output],
                Container = OutputContainers.ForPath(output),
                Format = format,
                MaximumShardByteCount = shard ?? SafetensorsFolderLayout.DefaultShardByteCount,
                QualityProbe = withProbe ? new QualityProbe() : null,
            },
            cancellationToken: Token);
    }

    [Theory]
    [MemberData(nameof(LlamaFixtures))]
    public void There_and_back_again_gives_every_tensor_bit_for_bit_and_an_equal_config(string fixture)
    {
        string original = SharedFiles.Require("fixtures", "architectures", fixture);
        ConvertResult there = Convert(original, "model.gguf");
        Assert.True(there.Verification!.Quality!.Divergence.Maximum < 1e-6, $"{there.Verification.Quality.Divergence}");
        ConvertResult back = Convert(folder["model.gguf"], "back");
        Assert.True(back.Verification!.Passed);

        using IModelSource before = ModelSources.Open(original);
        using IModelSource after = ModelSources.Open(folder["back"]);
        DecoderModel used = ArchitectureRegistry.BindDecoder(before);
        Assert.NotEmpty(after.Tensors);
        foreach (TensorData tensor in after.Tensors)
        {
            TensorData same = before.FindTensor(tensor.Info.Name)!;
            Assert.Equal(same.Info, tensor.Info);
            byte[] expected = new byte[same.Info.ByteCount];
            byte[] got = new byte[same.Info.ByteCount];
            same.CopyRows(0, (int)same.Info.Shape.RowCount, expected);
            tensor.CopyRows(0, (int)same.Info.Shape.RowCount, got);
            Assert.Equal(expected, got);
        }
        Assert.True(after.Tensors.Count >= used.Tensors.Count);
        Assert.True(JsonNode.DeepEquals(before.HuggingFace!.Config, after.HuggingFace!.Config), $"{before.HuggingFace.Config}\n{after.HuggingFace.Config}");
    }

    [Fact]
    public void The_stories_folder_becomes_the_file_that_was_made_of_it()
    {
        Convert(SharedFiles.Require("models", "stories260K", "hf"), "stories.gguf");
        Assert.Equal(47, ComparedFiles.AssertSameTensors(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"), folder["stories.gguf"], "stories"));
    }

    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    [InlineData("F32")]
    public void Matrices_get_the_type_asked_for(string type)
    {
        ConvertResult result = Convert(SharedFiles.Require("models", "stories260K", "hf"), "stories.gguf", TensorFormats.FindByName(type));
        using IModelSource read = ModelSources.Open(result.OutputPath);
        Assert.Equal(type, read.FindTensor("blk.0.attn_q.weight")!.Info.Format.Name);
        Assert.Equal("F32", read.FindTensor("output_norm.weight")!.Info.Format.Name);
        Assert.Equal(type switch { "F32" => 0, "F16" => 1, _ => 32 }, read.Gguf!.GetInteger("general.file_type"));
        Assert.True(result.Verification!.Passed);
    }

    [Fact]
    public void A_quantized_file_becomes_a_dense_folder_with_a_notice_and_a_tokenizer()
    {
        ConvertResult result = Convert(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"), "smol", shard: 100_000_000, withProbe: false);
        Assert.Contains(result.Notices, n => n.Contains("BF16", StringComparison.Ordinal));
        string[] names = [.. Directory.EnumerateFiles(folder["smol"]).Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal)];
        Assert.Contains("model-00001-of-00003.safetensors", names);
        Assert.Contains("model.safetensors.index.json", names);
        Assert.Contains("tokenizer.json", names);
        Assert.Contains("tokenizer_config.json", names);
        Assert.True(result.Verification!.Passed);
        VerifyCheck tokenizer = result.Verification.Checks.Single(c => c.Name == "tokenizer");
        Assert.Contains("equal ids", tokenizer.Detail, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("out.gguf")]
    [InlineData("out")]
    public void Tensors_that_nobody_knows_are_left_out_with_a_notice(string output)
    {
        string original = SharedFiles.Require("models", "stories260K", "hf");
        using (var extended = new TemporaryFolder().CopyFrom(original))
        {
            File.Delete(extended["model.safetensors"]);
            using IModelSource source = ModelSources.Open(original);
            TensorData[] tensors = [.. source.Tensors, MemoryTensor.FromValues("model.extra.weight", new TensorShape(2, 2), [1f, 2, 3, 4])];
            using (var writer = new SafetensorsFolderWriter(extended.Path, name => File.Create(extended[name]), new SafetensorsFolderLayout(tensors.Select(t => t.Info), source.HuggingFace!.SafetensorsMetadata, 300_000)))
            {
                foreach (TensorInfo info in writer.Tensors)
                {
                    TensorData tensor = tensors.Single(t => t.Info.Name == info.Name);
                    byte[] bytes = new byte[info.ByteCount];
                    tensor.CopyRows(0, (int)info.Shape.RowCount, bytes);
                    writer.Begin(info.Name);
                    writer.Write(bytes);
                }
                writer.Complete();
            }
            ConvertResult result = Convert(extended.Path, output);
            Assert.Single(result.Notices, notice => notice.Contains("ignored model.extra.weight", StringComparison.Ordinal));
            Assert.True(result.Verification!.Passed);
            if (output.EndsWith(".gguf", StringComparison.Ordinal))
            {
                CompressionPlan plan = CompressionPlan.Create(ModelSources.Open(extended.Path), new CompressionRequest { Type = Decant.Compression.Methods.Mixtures.FileTypes.Get("Q8_0") });
                CompressResult small = CompressJob.Run(plan, new CompressOptions { OutputPath = folder["small.gguf"], QualityProbe = new QualityProbe() }, cancellationToken: Token);
                Assert.Single(small.Notices, notice => notice.Contains("ignored model.extra.weight", StringComparison.Ordinal));
                plan.Source.Dispose();
            }
        }
        Convert(original, "plain" + Path.GetExtension(output));
        using IModelSource with = ModelSources.Open(folder[output]);
        using IModelSource without = ModelSources.Open(folder["plain" + Path.GetExtension(output)]);
        Assert.Equal(without.Tensors.Select(t => t.Info), with.Tensors.Select(t => t.Info));
    }

    [Fact]
    public void Converting_a_file_into_its_own_container_changes_nothing()
    {
        string input = SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");
        Convert(input, "copy.gguf");
        Assert.Equal(File.ReadAllBytes(input), File.ReadAllBytes(folder["copy.gguf"]));
    }

    [Fact]
    public void A_cancelled_conversion_to_gguf_goes_on_where_it_stopped_and_ends_with_the_same_bytes()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        var options = new ConvertOptions { OutputPath = folder["out.gguf"], Container = OutputContainer.Gguf, ThreadCount = 1 };
        ConvertJob.Run(source, options with { OutputPath = folder["whole.gguf"] }, cancellationToken: Token);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => ConvertJob.Run(source, options, ProgressCallback.CancelWhenEncoding(stop), cancellationToken: stop.Token));
        Assert.Equal([".out.gguf.partial", ".out.gguf.partial.journal", "whole.gguf"], folder.Names);

        ConvertResult result = ConvertJob.Run(source, options, cancellationToken: Token);
        Assert.True(result.ResumedTensorCount > 0);
        Assert.Contains(result.Notices, n => n.Contains("going on from an interrupted run", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(folder["whole.gguf"]), File.ReadAllBytes(folder["out.gguf"]));
        Assert.Equal(["out.gguf", "whole.gguf"], folder.Names);
    }

    /// <summary>Models that have no tokenizer.json keep what they have: T5's are spiece.model.</summary>
    [Fact]
    public void A_folder_written_again_has_every_file_of_its_tokenizer()
    {
        using (var original = new TemporaryFolder().CopyFrom(SharedFiles.Require("models", "stories260K", "hf")))
        {
            string[] names = [.. TokenizerLoader.FileNames.Except(["tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt"])];
            Assert.Contains("spiece.model", names);
            Assert.All(TokenizerLoader.FileNames, name => Assert.Contains(name, ModelFolder.TokenizerFiles));
            Directory.CreateDirectory(original[ModelFolder.TemplateFolder]);
            original.Write($"{ModelFolder.TemplateFolder}/tool_use.jinja", "{{ messages }}");
            string tokenizer = SharedFiles.Require("fixtures", "tokenizers", "spm-bpe", "tokenizer.model");
            foreach (string name in TokenizerLoader.FileNames)
                File.Delete(original[name]);
            foreach (string name in names)
                File.Copy(tokenizer, original[name]);
            using IModelSource source = ModelSources.Open(original.Path);
            ConvertJob.Run(source, new ConvertOptions { OutputPath = folder["again"], Container = OutputContainer.HuggingFace, Verify = false }, cancellationToken: Token);
            Assert.All(names, name => Assert.Equal(File.ReadAllBytes(tokenizer), File.ReadAllBytes(Path.Combine(folder["again"], name))));
        }
        Assert.Equal("{{ messages }}", File.ReadAllText(Path.Combine(folder["again"], ModelFolder.TemplateFolder, "tool_use.jinja")));
        // What Decant wrote, it may replace.
        using IModelSource other = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        ConvertJob.Run(other, new ConvertOptions { OutputPath = folder["again"], Container = OutputContainer.HuggingFace, Overwrite = true, Verify = false }, cancellationToken: Token);
        Assert.False(Directory.Exists(Path.Combine(folder["again"], ModelFolder.TemplateFolder)));
    }

    [Fact]
    public void A_cancelled_conversion_to_a_folder_goes_on_where_it_stopped_and_ends_with_the_same_bytes()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        var options = new ConvertOptions { OutputPath = folder["out"], Container = OutputContainer.HuggingFace, MaximumShardByteCount = 300_000, ThreadCount = 1 };
        ConvertJob.Run(source, options with { OutputPath = folder["whole"] }, cancellationToken: Token);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => ConvertJob.Run(source, options, ProgressCallback.CancelWhenEncoding(stop), cancellationToken: stop.Token));
        Assert.Equal([".out.partial", ".out.partial.journal", "whole"], folder.Names);

        // What lies there under no name of this job is nobody's.
        File.WriteAllText(folder[".out.partial/model-00001-of-00009.safetensors"], "of another run");
        ConvertResult result = ConvertJob.Run(source, options, cancellationToken: Token);
        Assert.True(result.ResumedTensorCount > 0);
        Assert.Contains(result.Notices, n => n.Contains("going on from an interrupted run", StringComparison.Ordinal));
        Assert.Equal(["out", "whole"], folder.Names);
        string[] names = [.. Directory.GetFiles(folder["whole"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        Assert.Equal(names, Directory.GetFiles(folder["out"]).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal));
        Assert.All(names, name => Assert.Equal(File.ReadAllBytes(Path.Combine(folder["whole"], name)), File.ReadAllBytes(Path.Combine(folder["out"], name))));

        using var again = new CancellationTokenSource();
        ConvertOptions other = options with { Format = TensorFormats.F16, OutputPath = folder["second"] };
        Assert.ThrowsAny<OperationCanceledException>(() => ConvertJob.Run(source, other, ProgressCallback.CancelWhenEncoding(again), cancellationToken: again.Token));
        ConvertResult fresh = ConvertJob.Run(source, other with { Format = TensorFormats.BF16 }, cancellationToken: Token);
        Assert.Equal(0, fresh.ResumedTensorCount);
        Assert.Contains(fresh.Notices, n => n.Contains("another job is started over", StringComparison.Ordinal));
    }

    [Fact]
    public void An_existing_output_is_left_alone()
    {
        File.WriteAllText(folder["there.gguf"], "mine");
        Assert.Throws<UsageException>(() => Convert(SharedFiles.Require("models", "stories260K", "hf"), "there.gguf"));
        Assert.Equal("mine", File.ReadAllText(folder["there.gguf"]));
        Assert.Equal(["there.gguf"], folder.Names);
    }

    [Fact]
    public void A_converted_file_verifies_against_its_source_and_a_wrong_one_does_not()
    {
        string hf = SharedFiles.Require("models", "stories260K", "hf");
        string gguf = SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");
        using IModelSource source = ModelSources.Open(hf);
        using IModelSource candidate = ModelSources.Open(gguf);
        VerifyReport report = VerifyJob.Run(
            new VerifyRequest { Reference = source, Candidate = candidate, CandidateName = "x", QualityProbe = new QualityProbe() }, cancellationToken: Token);
        Assert.True(report.Passed, string.Join("; ", report.Checks.Where(c => !c.Passed)));
        Assert.True(report.Quality!.Divergence.Maximum < 1e-6);
    }
}
