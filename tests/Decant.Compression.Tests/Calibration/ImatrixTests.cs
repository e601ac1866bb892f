using Decant.Compression.Calibration;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Compression.Tests.Calibration;

public sealed class ImatrixTests : IDisposable
{
    /// <summary>
    /// The peer sums in double over llama.cpp's own activations; ours differ by single-precision rounding of another order of summation (and its F16
    /// cache, which the peer is told not to use).
    /// </summary>
    private const double RelativeTolerance = 2e-4;

    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static string Stories => SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");

    private static string StoryText => SharedFiles.Require("models", "stories260K", "story.txt");

    private static ImportanceMatrix Collect(string model, string text, int context, int? chunks = null)
    {
        using IModelSource source = ModelSources.Open(model);
        return ImatrixJob.Collect(
            ArchitectureRegistry.Bind(source), TokenizerLoader.Load(source)!, [CalibrationText.Read(text)],
            new ImatrixOptions { ContextLength = context, MaximumChunkCount = chunks }, cancellationToken: TestContext.Current.CancellationToken);
    }

    private string WithTokenizer(string family)
    {
        string model = folder["model"];
        Directory.CreateDirectory(model);
        foreach (string name in (string[])["config.json", "model.safetensors"])
            File.Copy(SharedFiles.Require("fixtures", "architectures", family, name), Path.Combine(model, name));
        CharacterTokenizer.Write(Path.Combine(model, "tokenizer.json"), 131);
        return model;
    }

    private string PeerImatrix(string model, string text, int context)
    {
        string path = folder["peer.imatrix.gguf"];
        Peer.Run(["imatrix", model, text, path, "2", $"{context}"], new Dictionary<string, string> { ["PEER_KV"] = "f32", ["PEER_FA"] = "off" });
        return path;
    }

    [Fact]
    public void Collected_values_are_those_of_llama_cpp()
    {
        ImportanceMatrix expected = ImportanceMatrixFile.Read(PeerImatrix(Stories, StoryText, 256));
        ImportanceMatrix got = Collect(Stories, StoryText, 256);
        Assert.Equal(expected.ChunkCount, got.ChunkCount);
        Assert.Equal(expected.ChunkSize, got.ChunkSize);
        Assert.Equal(35, expected.Entries.Count);
        Assert.Equal(expected.Entries.Select(e => e.Name).Order(StringComparer.Ordinal), got.Entries.Select(e => e.Name));
        int compared = 0;
        foreach (ImportanceEntry entry in expected.Entries)
        {
            ImportanceEntry ours = got.Entries.Single(e => e.Name == entry.Name);
            Assert.Equal([got.ChunkCount * 256], ours.Counts);
            // The peer asks for the logits of a window's last token alone, so llama.cpp runs the end of the last block for that token only;
            // its own imatrix tool asks for all.
            if (entry.Counts[0] == expected.ChunkCount)
            {
                Assert.StartsWith("blk.4.", entry.Name, StringComparison.Ordinal);
                continue;
            }
            compared++;
            Assert.Equal(entry.Counts, ours.Counts);
            Assert.Equal(entry.ColumnCount, ours.ColumnCount);
            double scale = entry.Sums.Average();
            for (int i = 0; i < entry.Sums.Count; i++)
                Assert.True(Math.Abs(entry.Sums[i] - ours.Sums[i]) <= RelativeTolerance * Math.Max(entry.Sums[i], scale), $"{entry.Name}[{i}]: expected {entry.Sums[i]}, got {ours.Sums[i]}");
        }
        Assert.InRange(compared, 31, 35);
    }

    /// <summary>Every product of a recurrent model, under llama.cpp's names, with llama.cpp's values.</summary>
    [Theory]
    [InlineData("mamba", "ssm_dt.weight", "ssm_in.weight", "ssm_out.weight", "ssm_x.weight")]
    public void Values_of_a_recurrent_model_are_those_of_llama_cpp(string family, params string[] names)
    {
        string model = WithTokenizer(family), file = folder["model.gguf"], text = folder["text.txt"];
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 12)));
        using (IModelSource source = ModelSources.Open(model))
            ConvertJob.Run(source, new ConvertOptions { OutputPath = file, Container = OutputContainer.Gguf, Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
        ImportanceMatrix expected = ImportanceMatrixFile.Read(PeerImatrix(file, text, 96)), got = Collect(file, text, 96);
        Assert.Equal([.. from layer in Enumerable.Range(0, 2) from name in names select $"blk.{layer}.{name}"], got.Entries.Select(entry => entry.Name));
        Assert.Equal(got.Entries.Select(entry => entry.Name), expected.Entries.Select(entry => entry.Name).Order(StringComparer.Ordinal));
        int compared = 0;
        foreach (ImportanceEntry entry in expected.Entries)
        {
            ImportanceEntry ours = got.Entries.Single(e => e.Name == entry.Name);
            Assert.Equal([got.ChunkCount * 96], ours.Counts);
            // As above: the last product runs for a window's last token alone, unless all logits are asked for.
            if (entry.Counts[0] == expected.ChunkCount)
                continue;
            compared++;
            Assert.Equal(entry.Counts, ours.Counts);
            double scale = entry.Sums.Average();
            for (int i = 0; i < entry.Sums.Count; i++)
                Assert.True(Math.Abs(entry.Sums[i] - ours.Sums[i]) <= RelativeTolerance * Math.Max(entry.Sums[i], scale), $"{entry.Name}[{i}]: expected {entry.Sums[i]}, got {ours.Sums[i]}");
        }
        Assert.InRange(compared, got.Entries.Count - 1, got.Entries.Count);
    }

    /// <summary>The sums are those of what one matrix's inputs are by hand: of a text in one window, and with padding that is no part of it.</summary>
    [Theory]
    [InlineData("rwkv", "rwkv.blocks.1.attention.receptance.weight")]
    [InlineData("reformer", "blk.0.attn_q.weight")]
    [InlineData("reformer", "blk.1.attn_qk.weight")]
    public void Families_without_a_place_in_GGUF_have_values_for_every_matrix(string family, string name)
    {
        string model = WithTokenizer(family), text = folder["text.txt"];
        File.WriteAllText(text, string.Concat(Enumerable.Repeat("the cat sat on the mat. ", 3)));
        const int Length = 18;
        ImportanceMatrix got = Collect(model, text, Length, chunks: 1);
        Assert.All(got.Entries, entry => Assert.Equal([Length], entry.Counts));
        ImportanceEntry entry = got.Entries.Single(e => e.Name == name);
        using IModelSource source = ModelSources.Open(model);
        Model bound = ArchitectureRegistry.Bind(source);
        var inputs = new InputsOf(GgufPlaces.Of(bound).Single(pair => pair.Value.Name == name).Key);
        using (var runner = Decant.Engine.Inference.LanguageModels.Load(bound, new Decant.Engine.Inference.DecoderOptions { Observer = inputs, Kernel = "scalar" }, TestContext.Current.CancellationToken))
        using (var session = runner.StartSession(Length))
            session.Score(TokenizerLoader.Load(source)!.EncodeIds(File.ReadAllText(text), addSpecialTokens: true).AsSpan(0, Length), Length, (_, _) => { }, TestContext.Current.CancellationToken);
        double[] sums = [.. Enumerable.Range(0, entry.ColumnCount).Select(column => Enumerable.Range(0, Length).Sum(row => Math.Pow(inputs.Rows[row * entry.ColumnCount + column], 2)))];
        for (int i = 0; i < sums.Length; i++)
            Assert.Equal(sums[i], entry.Sums[i], 1e-4 * (1 + sums[i]));
    }

    [Fact]
    public void A_written_file_reads_back_with_equal_values()
    {
        ImportanceMatrix matrix = Collect(Stories, StoryText, 128, chunks: 2);
        string path = folder["ours.gguf"];
        ImportanceMatrixFile.Write(path, matrix, false, [StoryText]);
        ImportanceMatrix read = ImportanceMatrixFile.Read(path);
        Assert.Equal(2, read.ChunkCount);
        Assert.Equal(128, read.ChunkSize);
        Assert.Equal(["story.txt"], read.Datasets);
        Assert.Equal(matrix.Entries.SelectMany(e => e.Sums), read.Entries.SelectMany(e => e.Sums));
        Assert.Equal(matrix.Entries.SelectMany(e => e.Counts), read.Entries.SelectMany(e => e.Counts));
        Assert.Throws<UsageException>(() => ImportanceMatrixFile.Write(path, matrix, false, []));
    }

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q5_1")]
    [InlineData("Q4_K_M")]
    [InlineData("Q2_K_S")]
    [InlineData("IQ4_XS")]
    public void Either_program_quantizes_alike_with_the_others_matrix(string type)
    {
        string model = folder["model.gguf"];
        MadeModel.Make(model, "custom", "--hidden", "256", "--layers", "8", "--heads", "8", "--kv", "2", "--inter", "512", "--vocab", "500", "--type", "f32");
        string ours = folder["ours.imatrix.gguf"];
        ImportanceMatrixFile.Write(ours, Collect(model, StoryText, 128), false, []);
        foreach (string imatrix in (string[])[ours, PeerImatrix(model, StoryText, 128)])
        {
            string theirOutput = folder["theirs.gguf"];
            string ourOutput = folder["ours.gguf"];
            Peer.Run(["quantize", model, theirOutput, type, "2", imatrix]);
            using (IModelSource source = ModelSources.Open(model))
            {
                CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type), Importance = ImportanceMatrixFile.Read(imatrix) });
                CompressJob.Run(plan, new CompressOptions { OutputPath = ourOutput, Overwrite = true, Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
            }
            Assert.Equal(75, ComparedFiles.AssertSameTensors(theirOutput, ourOutput, type));
        }
    }

    [Fact]
    public void Experts_are_counted_apart_and_named_as_stacked_tensors()
    {
        string fixture = SharedFiles.Require("fixtures", "architectures", "mixtral");
        using IModelSource source = ModelSources.Open(fixture);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        var collector = new ImportanceCollector(model);
        using Decant.Engine.Inference.Decoder decoder = Decant.Engine.Inference.Decoder.Load(
            model, new Decant.Engine.Inference.DecoderOptions { Observer = collector }, TestContext.Current.CancellationToken);
        using Decant.Engine.Inference.DecoderSession session = decoder.StartSession(32);
        session.Append([.. Enumerable.Range(1, 32).Select(i => i % model.Spec.VocabularySize)], TestContext.Current.CancellationToken);
        IReadOnlyList<ImportanceEntry> entries = collector.Entries();
        int experts = model.Spec.Layers[0].FeedForward.Experts!.Count;
        ImportanceEntry down = entries.Single(e => e.Name == "blk.0.ffn_down_exps.weight");
        Assert.Equal(experts, down.Counts.Count);
        Assert.Equal(32 * model.Spec.Layers[0].FeedForward.Experts!.UsedCount, down.Counts.Sum());
        Assert.Contains(entries, e => e.Name == "blk.0.attn_q.weight");
        Assert.DoesNotContain(entries, e => e.Name == "output.weight");
    }

    /// <summary>Dense blocks of Qwen2-MoE are shared experts in GGUF, filled up to the width of the widest.</summary>
    [Fact]
    public void A_folder_with_dense_blocks_gives_the_values_of_the_file_made_from_it()
    {
        string fixture = SharedFiles.Require("fixtures", "architectures", "qwen2_moe"), file = folder["moe.gguf"];
        using IModelSource source = ModelSources.Open(fixture);
        ConvertJob.Run(source, new ConvertOptions { OutputPath = file, Container = OutputContainer.Gguf, Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource converted = ModelSources.Open(file);
        int dense = Enumerable.Range(0, 3).Single(layer => ArchitectureRegistry.BindDecoder(source).Spec.Layers[layer].FeedForward.Experts is null);
        // The experts and routers beside them are zeros, which only the file has.
        IReadOnlyList<ImportanceEntry> ofFolder = EntriesOf(source),
            ofFile = [.. EntriesOf(converted).Where(e => !e.Name.StartsWith($"blk.{dense}.ffn_gate_inp", StringComparison.Ordinal) && !(e.Name.StartsWith($"blk.{dense}.", StringComparison.Ordinal) && e.Name.Contains("_exps", StringComparison.Ordinal)))];
        Assert.Equal(ofFile.Select(e => e.Name), ofFolder.Select(e => e.Name));
        Assert.All(ofFile.Zip(ofFolder), pair =>
        {
            Assert.Equal(pair.First.ColumnCount, pair.Second.ColumnCount);
            Assert.Equal(pair.First.Counts, pair.Second.Counts);
            for (int i = 0; i < pair.First.Sums.Count; i++)
                Assert.True(Math.Abs(pair.First.Sums[i] - pair.Second.Sums[i]) <= 1e-4 * (1e-3 + pair.First.Sums[i]), $"{pair.First.Name}[{i}]: {pair.First.Sums[i]} and {pair.Second.Sums[i]}");
        });
        ImportanceEntry down = ofFolder.Single(e => e.Name == $"blk.{dense}.ffn_down_shexp.weight");
        Assert.True(down.Sums.Max() > 0);
        // Either container takes the values, whichever the model comes from.
        var matrix = new ImportanceMatrix("moe.imatrix", ofFolder, [], 1, 32);
        foreach (IModelSource from in (IModelSource[])[source, converted])
        {
            foreach (OutputContainer to in (OutputContainer[])[OutputContainer.Gguf, OutputContainer.HuggingFace])
            {
                CompressionPlan plan = CompressionPlan.Create(from, new CompressionRequest { Type = FileTypes.Get("IQ4_NL"), Container = to, Importance = matrix });
                Assert.True(matrix.Has(plan.Tensors.Single(t => t.Source.Name == down.Name).Source.Name));
            }
        }
    }

    private static IReadOnlyList<ImportanceEntry> EntriesOf(IModelSource source)
    {
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        var collector = new ImportanceCollector(model);
        using Decant.Engine.Inference.Decoder decoder = Decant.Engine.Inference.Decoder.Load(
            model, new Decant.Engine.Inference.DecoderOptions { Observer = collector, Kernel = "scalar" }, TestContext.Current.CancellationToken);
        using Decant.Engine.Inference.DecoderSession session = decoder.StartSession(32);
        session.Append([.. Enumerable.Range(1, 32).Select(i => i * 7 % model.Spec.VocabularySize)], TestContext.Current.CancellationToken);
        return collector.Entries();
    }

    private sealed class InputsOf(Decant.Core.Tensors.TensorId wanted) : Decant.Engine.Inference.IDecoderObserver
    {
        public List<float> Rows { get; } = [];

        public void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount)
        {
        }

        public void LinearInput(Decant.Core.Tensors.TensorId weight, ReadOnlySpan<float> rows, int tokenCount)
        {
            if (weight == wanted)
                Rows.AddRange(rows);
        }
    }

    [Fact]
    public void A_text_shorter_than_a_window_is_a_usage_error() =>
        Assert.Throws<UsageException>(() =>
        {
            string text = folder["short.txt"];
            File.WriteAllText(text, "Once upon a time");
            Collect(Stories, text, 512);
        });
}
