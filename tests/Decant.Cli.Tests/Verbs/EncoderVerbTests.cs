using Decant.Testing;

namespace Decant.Cli.Tests.Verbs;

/// <summary>What verbs do with encoders and encoder–decoders.</summary>
public sealed class EncoderVerbTests
{
    [Theory]
    [InlineData("bert", false)]
    [InlineData("albert", false)]
    [InlineData("bert-classify", true)]
    public void Logits_of_an_encoder_are_the_references(string folder, bool classifies)
    {
        using var files = new TemporaryFolder();
        SafetensorsFixture expected = Expected(folder);
        string output = files["out.safetensors"];
        CommandRun.Succeed(
            "logits", Path(folder), "--ids", Lines(files, expected, "input_ids"), "--mask", Lines(files, expected, "attention_mask"), "--token-types", Lines(files, expected, "token_type_ids"), "-o", output);
        var got = new SafetensorsFixture(output);
        int length = (int)expected.Shape("input_ids")[1], width = (int)expected.Shape("logits")[^1], layers = expected.Names.Count(name => name.StartsWith("hidden_states", StringComparison.Ordinal)) - 1;
        long[] mask = expected.Integers("attention_mask");
        Assert.Equal(4, got.Names.Count());
        AssertClose(expected.Singles($"hidden_states.{layers}"), got.Singles("hidden_states.0"));
        for (int row = 0; row < 2; row++)
        {
            if (classifies)
            {
                Assert.Equal([width], got.Shape($"logits.{row}"));
                AssertClose(expected.Singles("logits").Slice(row * width, width), got.Singles($"logits.{row}"));
                continue;
            }
            Assert.Equal([length, width], got.Shape($"logits.{row}"));
            for (int position = 0; position < length; position++)
            {
                if (mask[row * length + position] == 1)
                    AssertClose(expected.Singles("logits").Slice((row * length + position) * width, width), got.Singles($"logits.{row}").Slice(position * width, width));
            }
        }
    }

    [Fact]
    public void Logits_of_an_encoder_decoder_are_the_references()
    {
        using var files = new TemporaryFolder();
        SafetensorsFixture expected = Expected("t5-v1_1");
        string output = files["out.safetensors"], ids = Lines(files, expected, "input_ids"), mask = Lines(files, expected, "attention_mask");
        CommandRun.Succeed("logits", Path("t5-v1_1"), "--ids", ids, "--mask", mask, "--decoder-ids", Lines(files, expected, "decoder_input_ids"), "-o", output);
        var got = new SafetensorsFixture(output);
        AssertClose(expected.Singles("logits"), [.. got.Singles("logits.0"), .. got.Singles("logits.1")]);
        CommandRun.Succeed("logits", Path("t5-v1_1"), "--ids", ids, "--mask", mask, "-o", output, "--force");
        Assert.Equal([1, 113], new SafetensorsFixture(output).Shape("logits.1"));
    }

    /// <summary>GGUF has no place for the head: hidden states are what is left.</summary>
    [Fact]
    public void A_converted_encoder_gives_hidden_states()
    {
        using var files = new TemporaryFolder();
        string model = files["bert.gguf"], output = files["out.safetensors"];
        CommandRun convert = CommandRun.Succeed("convert", Path("bert"), "-o", model);
        Assert.Contains("masked language modelling", convert.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("logits", convert.Output, StringComparison.Ordinal);
        CommandRun.Succeed("logits", model, "--ids", files.Write("ids.txt", "5 6 7"), "-o", output);
        Assert.Equal(["hidden_states.0"], new SafetensorsFixture(output).Names);
    }

    [Theory]
    [InlineData("--mask", "1 1", "expected 3 entries", 3)]
    [InlineData("--mask", "1 1 2", "0 for padding", 3)]
    [InlineData("--mask", "1 1 1\n1 1 1", "expected 1 lines", 3)]
    [InlineData("--token-types", "0 0 2", "types 0 to 1", 2)]
    [InlineData("--decoder-ids", "0", "--decoder-ids is for encoder-decoders", 2)]
    public void Lines_that_do_not_fit_are_refused(string option, string content, string said, int exitCode)
    {
        using var files = new TemporaryFolder();
        string path = Path("bert");
        CommandRun refused = CommandRun.Of("logits", path, "--ids", files.Write("ids.txt", "5 6 7"), option, files.Write("other.txt", content), "-o", files["out.safetensors"]);
        Assert.Contains(said, refused.Error, StringComparison.Ordinal);
        Assert.Equal(exitCode, refused.ExitCode);
        Assert.False(File.Exists(files["out.safetensors"]));
    }

    [Theory]
    [InlineData("bert", "an encoder (bert)")]
    [InlineData("t5", "an encoder–decoder (t5)")]
    public void Verbs_that_continue_texts_say_what_the_model_is(string folder, string kind)
    {
        using var files = new TemporaryFolder();
        string text = files.Write("text.txt", "some text");
        foreach (string[] arguments in (string[][])
            [["run", Path(folder), "hello"], ["chat", Path(folder)], ["eval", Path(folder), "--text", text], ["imatrix", Path(folder), "--text", text, "-o", files["i.gguf"]], ["bench", Path(folder)]])
        {
            CommandRun refused = CommandRun.Of(arguments);
            Assert.Contains($"no decoder but {kind}", refused.Error, StringComparison.Ordinal);
            Assert.Contains("decant logits", refused.Error, StringComparison.Ordinal);
            Assert.Equal(4, refused.ExitCode);
        }
    }

    [Theory]
    [InlineData("roberta")]
    [InlineData("modernbert")]
    [InlineData("t5")]
    public void Encoders_are_compressed(string folder)
    {
        using var files = new TemporaryFolder();
        CommandRun run = CommandRun.Succeed("compress", Path(folder), "-o", files["small.gguf"], "--to", "q8_0");
        Assert.Contains("values", run.Output, StringComparison.Ordinal);
        Assert.True(File.Exists(files["small.gguf"]));
    }

    private static string Path(string folder) => SharedFiles.Require("fixtures", "architectures", folder);

    private static SafetensorsFixture Expected(string folder) => new(SharedFiles.Require("fixtures", "architectures", folder, "expected.safetensors"));

    private static string Lines(TemporaryFolder files, SafetensorsFixture fixture, string name)
    {
        int length = (int)fixture.Shape(name)[1];
        return files.Write(name + ".txt", string.Join('\n', fixture.Integers(name).Chunk(length).Select(line => string.Join(' ', line))));
    }

    private static void AssertClose(ReadOnlySpan<float> expected, ReadOnlySpan<float> got)
    {
        Assert.Equal(expected.Length, got.Length);
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], got[i], 1e-4f);
    }
}
