using System.Text.Json;
using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

public sealed class InspectVerbTests
{
    [Fact]
    public void A_real_model_is_described()
    {
        JsonElement document = CommandRun.Succeed("inspect", SharedModels.SmolLm, "--json").Json;
        Assert.Equal(("gguf", "llama", "apache-2.0"), (Text(document, "container"), Text(document, "family"), Text(document, "license")));
        Assert.Equal(134_515_008, document.GetProperty("parameters").GetProperty("total").GetInt64());
        Assert.Equal(49_152 * 576, document.GetProperty("parameters").GetProperty("embedding").GetInt64());
        JsonElement layout = document.GetProperty("layout");
        Assert.Equal((30, 576, 9, 3, 64, 1536, 49_152, 8192),
            (Number(layout, "layers"), Number(layout, "hidden_size"), Number(layout, "heads"), Number(layout, "key_value_heads"), Number(layout, "head_size"),
            Number(layout, "feed_forward_size"), Number(layout, "vocabulary_size"), Number(layout, "context_length")));
        Assert.True(layout.GetProperty("tied_embeddings").GetBoolean());
        Assert.Equal(["Q8_0", "F32"], document.GetProperty("types").EnumerateArray().Select(t => Text(t, "type")));
        Assert.Equal(8.5, document.GetProperty("types")[0].GetProperty("bits_per_weight").GetDouble());
        Assert.Equal(49_152, document.GetProperty("tokenizer").GetProperty("vocabulary_size").GetInt32());
        Assert.Equal("default", document.GetProperty("chat_templates")[0].GetString());
        Assert.False(document.TryGetProperty("tensors", out _));

        string text = CommandRun.Succeed("inspect", SharedModels.SmolLm).Output;
        foreach (string expected in new[] { "llama", "134.5 M", "8,192 tokens", "9 heads of 64 on 3", "Q8_0", "byte-level BPE (gpt2/smollm)", "apache-2.0", "21.0 % in the embedding (49,152 × 576)", "136.4 MiB in GGUF", "22.5 KiB of keys and values", "rotary, base 100,000", "gated SiLU", "compress and convert to GGUF or a Hugging Face folder" })
            Assert.Contains(expected, text, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_a_model_that_reads_images_only_the_text_part_is_counted()
    {
        string folder = SharedFiles.Require("fixtures", "architectures", "llava");
        using Decant.Core.Files.IModelSource weights = Decant.Core.Files.ModelSources.Open(folder);
        Decant.Core.Tensors.TensorData[] text = [.. weights.Tensors.Where(tensor => tensor.Info.Name.Contains("language_model", StringComparison.Ordinal) || tensor.Info.Name == "lm_head.weight")];
        Assert.InRange(text.Length, 1, weights.Tensors.Count - 1);
        JsonElement document = CommandRun.Succeed("inspect", folder, "--json").Json;
        Assert.Equal(text.Sum(tensor => tensor.Info.Shape.ElementCount), document.GetProperty("parameters").GetProperty("total").GetInt64());
        Assert.Equal(text.Sum(tensor => tensor.Info.ByteCount), document.GetProperty("bytes").GetInt64());
    }

    [Fact]
    public void Tensors_are_listed_in_stored_order_with_their_bytes()
    {
        JsonElement document = CommandRun.Succeed("inspect", SharedModels.StoriesFolder, "--tensors", "--json").Json;
        JsonElement[] tensors = [.. document.GetProperty("tensors").EnumerateArray()];
        Assert.Equal(47, tensors.Length);
        Assert.Equal(document.GetProperty("bytes").GetInt64(), tensors.Sum(t => t.GetProperty("bytes").GetInt64()));
        Assert.Contains(tensors, t => Text(t, "name") == "model.layers.0.mlp.down_proj.weight" && t.GetProperty("shape").GetRawText() is { } shape && shape.Contains("172", StringComparison.Ordinal));
        Assert.Contains("model.layers.4.self_attn.k_proj.weight", CommandRun.Succeed("inspect", SharedModels.StoriesFolder, "--tensors").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_architecture_fixture_can_be_inspected_whether_it_can_run_or_not()
    {
        SharedFiles.RequireWholeSet();
        string root = SharedFiles.Require("fixtures", "architectures");
        int supported = 0;
        int unsupported = 0;
        foreach (string name in SharedFiles.Folders("fixtures", "architectures"))
        {
            string folder = Path.Combine(root, name);
            if (!File.Exists(Path.Combine(folder, "config.json")) || !Directory.EnumerateFiles(folder, "*.safetensors").Any())
                continue;
            CommandRun run = CommandRun.Of("inspect", Directory.EnumerateFiles(folder, "model*.safetensors").Order(StringComparer.Ordinal).FirstOrDefault() is { } file && !File.Exists(Path.Combine(folder, "model.safetensors.index.json")) ? file : folder, "--json");
            Assert.True(run.ExitCode == 0, $"{name}: {run.Error}");
            bool runs = run.Json.GetProperty("supported").GetBoolean();
            Assert.Equal(runs, run.Json.GetProperty("unsupported_reason").ValueKind == JsonValueKind.Null);
            Assert.Equal(runs, run.Json.GetProperty("layout").ValueKind == JsonValueKind.Object);
            if (runs)
                supported++;
            else
                unsupported++;
        }
        Assert.True(supported >= 8, $"{supported} supported");
        Assert.True(unsupported >= 1, $"{unsupported} unsupported");
    }

    [Fact]
    public void Everything_fits_one_screen_of_80_columns()
    {
        string root = SharedFiles.Require("fixtures", "architectures");
        List<string> models = [SharedModels.SmolLm, SharedModels.StoriesFolder, SharedModels.Stories, .. SharedFiles.Folders("fixtures", "architectures").Select(name => Path.Combine(root, name))];
        int seen = 0;
        foreach (string model in models.Where(path => File.Exists(path) || (File.Exists(Path.Combine(path, "config.json")) && Directory.EnumerateFiles(path, "*.safetensors").Any())))
        {
            using var output = new StringWriter();
            // The path is the user's, as short as theirs.
            string argument = Path.GetRelativePath(Environment.CurrentDirectory, model);
            int code = Program.Run(["inspect", argument, "--quiet"], new Terminal { Input = TextReader.Null, Output = output, Error = TextWriter.Null, OutputIsTerminal = true, Width = 80 }, TestContext.Current.CancellationToken);
            if (code != 0)
                continue;
            seen++;
            string[] lines = output.ToString().TrimEnd('\n').Split('\n');
            Assert.True(lines.Length <= 24, $"{model}: {lines.Length} lines\n{output}");
            Assert.All(lines, line => Assert.True(line.TrimEnd().Length <= 80, line));
        }
        Assert.InRange(seen, 3, models.Count);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(60)]
    [InlineData(80)]
    [InlineData(120)]
    [InlineData(200)]
    public void Numbers_stay_whole_on_every_terminal(int width)
    {
        string text = OnTerminal(width, "inspect", SharedModels.SmolLm, "--tensors");
        Assert.All(text.Split('\n'), line => Assert.True(line.TrimEnd().Length <= width, line));
        foreach (string number in new[] { "134,479,872", "142,884,864", "8.50", "35,136", "140,544", "32.00", "30,081,024" })
            Assert.Contains(number, text, StringComparison.Ordinal);
        foreach (string heading in new[] { "tensors", "parameters", "bytes", "bits/weight" })
            Assert.Contains(heading, text, StringComparison.Ordinal);
    }

    private static string OnTerminal(int width, params string[] args)
    {
        using var output = new StringWriter();
        Assert.Equal(0, Program.Run(args, new Terminal { Input = TextReader.Null, Output = output, Error = TextWriter.Null, OutputIsTerminal = true, Width = width }, TestContext.Current.CancellationToken));
        return output.ToString();
    }

    [Theory]
    [InlineData("gemma3", "window", "7 tokens in 2 of 3 blocks; block 2 sees all")]
    [InlineData("gemma3", "positions", "rotary, base 1,000 or 1,000,000")]
    [InlineData("mistral", "window", "tokens in 2 of 2 blocks")]
    [InlineData("mixtral", "feed-forward", "2 of 4 experts, each 24 wide, gated SiLU")]
    [InlineData("mixtral", "parameters", "24.2 k active per token")]
    [InlineData("deepseek_v3", "feed-forward", "and one of 16 always; dense in 1 of 2 blocks")]
    [InlineData("deepseek_v3", "attention", "latent (MLA): keys and values from 12 numbers a token")]
    [InlineData("deepseek_v3", "positions", "6 of 16 elements, yarn × 4 from 32")]
    [InlineData("phi3-longrope", "positions", "longrope from 32")]
    [InlineData("llama-linear", "positions", "linear × ")]
    [InlineData("bloom", "positions", "ALiBi")]
    [InlineData("gpt2", "positions", "learned")]
    [InlineData("smollm3", "positions", "in 3 of 4 blocks")]
    [InlineData("bert", "family", "bert, encoder")]
    [InlineData("bert", "size", "136.7 KiB in safetensors, 32.00 bits per weight")]
    [InlineData("bert", "positions", "learned")]
    [InlineData("bert", "blocks", "head tied to the embedding")]
    [InlineData("bert-classify", "blocks", "head for ")]
    [InlineData("bert", "attention", "both ways")]
    [InlineData("albert", "blocks", "stored, ")]
    [InlineData("t5", "blocks", "that encode and")]
    [InlineData("t5", "attention", "; encoder both ways, decoder causal, with cross-attention")]
    [InlineData("t5", "positions", "relative")]
    [InlineData("mamba", "mixing", "selective scan")]
    [InlineData("mamba", "context", "takes the same memory")]
    [InlineData("rwkv", "mixing", "decaying means of 40 channels")]
    [InlineData("reformer", "attention", "in chunks: ")]
    [InlineData("reformer", "positions", "learned")]
    public void Layouts_are_put_into_words(string name, string fact, string expected)
    {
        string text = CommandRun.Succeed("inspect", SharedFiles.Require("fixtures", "architectures", name)).Output;
        string line = Assert.Single(text.Split('\n'), l => l.StartsWith(fact + " ", StringComparison.Ordinal));
        Assert.Contains(expected, line, StringComparison.Ordinal);
    }

    [Fact]
    public void What_can_be_done_follows_from_what_the_model_has()
    {
        Assert.Equal(["run", "eval", "imatrix", "bench", "logits", "tokenize", "gguf", "hf"], Possible(SharedModels.StoriesFolder));
        Assert.Equal(["run", "chat", "eval", "imatrix", "bench", "logits", "tokenize", "gguf", "hf"], Possible(SharedModels.SmolLm));
        Assert.Equal(["bench", "logits", "gguf", "hf"], Possible(SharedModels.WithoutTokenizer));
        Assert.Contains("run, chat, eval, imatrix, bench: an encoder continues no text", CommandRun.Succeed("inspect", SharedFiles.Require("fixtures", "architectures", "bert")).Output, StringComparison.Ordinal);
        // GGUF has no architecture for GPT-1.
        JsonElement document = CommandRun.Succeed("inspect", SharedFiles.Require("fixtures", "architectures", "openai-gpt"), "--json").Json;
        JsonElement gguf = document.GetProperty("abilities").EnumerateArray().Single(a => Text(a, "name") == "gguf");
        Assert.False(gguf.GetProperty("possible").GetBoolean());
        Assert.Contains("GGUF has no architecture", Text(gguf, "obstacle"), StringComparison.Ordinal);

        static string[] Possible(string model) =>
        [
            .. CommandRun.Succeed("inspect", model, "--json").Json.GetProperty("abilities").EnumerateArray()
                .Where(a => a.GetProperty("possible").GetBoolean()).Select(a => Text(a, "name")!),
        ];
    }

    [Fact]
    public void A_model_without_tokenizer_says_what_that_means()
    {
        CommandRun run = CommandRun.Succeed("inspect", SharedModels.WithoutTokenizer);
        Assert.Contains("verbs that read or write text cannot use this model", run.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("license: mit", "mit")]
    [InlineData("tags:\n- x\nlicense: \"cc-by-4.0\"", "cc-by-4.0")]
    [InlineData("license:\n- apache-2.0\n- mit\ntags:\n- x", "apache-2.0, mit")]
    [InlineData("license: [mit, \"bsd-3-clause\"]", "mit, bsd-3-clause")]
    [InlineData("license: other\nlicense_name: \"gemma\"", "other (gemma)")]
    [InlineData("tags: x", null)]
    public void The_licence_of_a_folder_stands_in_its_model_card(string frontMatter, string? expected)
    {
        using TemporaryFolder folder = new TemporaryFolder().CopyFrom(SharedModels.StoriesFolder);
        folder.Write("README.md", $"---\n{frontMatter}\n---\n# Model\nlicense: other\n");
        Assert.Equal(expected, CommandRun.Succeed("inspect", folder.Path, "--json").Json.GetProperty("license").GetString());
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private static int Number(JsonElement element, string name) => element.GetProperty(name).GetInt32();
}
