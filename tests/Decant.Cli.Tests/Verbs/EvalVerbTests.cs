using System.Text.Json;

namespace Decant.Cli.Tests.Verbs;

public sealed class EvalVerbTests
{
    // README.md of stories260K gives four decimals of what llama.cpp computes in single precision.
    private const double LlamaCppTolerance = 3e-4;

    [Fact]
    public void A_kernel_forced_for_the_model_is_not_forced_for_what_it_is_compared_with()
    {
        JsonElement document = CommandRun.Succeed(
            "eval", SharedModels.SmolLm, "--against", SharedModels.SmolLm, "--text", SharedModels.StoryText, "--tokens", "8", "--context", "8", "--arithmetic", "fast", "--kernel", "vector128-q8_0-int8", "--json").Json;
        Assert.True(document.GetProperty("kl_divergence").GetProperty("mean").GetDouble() > 0, "the reference rounded as the model did");
    }

    [Theory]
    [InlineData(128, 1.8272)]
    [InlineData(256, 2.2794)]
    [InlineData(512, 2.0996)]
    public void The_llama_cpp_protocol_gives_llama_cpps_perplexity(int context, double expected)
    {
        foreach (string model in new[] { SharedModels.Stories, SharedModels.StoriesFolder })
        {
            JsonElement document = CommandRun.Succeed("eval", model, "--text", SharedModels.StoryText, "--protocol", "llama.cpp", "--context", $"{context}", "--json").Json;
            Assert.Equal(1697, document.GetProperty("text").GetProperty("tokens").GetInt32());
            Assert.Equal(1697 / context, document.GetProperty("windows").GetInt32());
            JsonElement perplexity = document.GetProperty("perplexity");
            Assert.Equal(1697 / context * (context - context / 2 - 1), perplexity.GetProperty("tokens").GetInt32());
            Assert.Equal(expected, perplexity.GetProperty("value").GetDouble(), LlamaCppTolerance);
            Assert.Equal(Math.Exp(perplexity.GetProperty("nll_sum").GetDouble() / perplexity.GetProperty("tokens").GetInt32()), perplexity.GetProperty("value").GetDouble(), 1e-12);
        }
    }

    [Fact]
    public void A_model_does_not_diverge_from_itself_and_containers_agree()
    {
        JsonElement itself = Compare(SharedModels.Stories, SharedModels.Stories);
        Assert.Equal(0, itself.GetProperty("kl_divergence").GetProperty("max").GetDouble());
        Assert.Equal(1, itself.GetProperty("top1_agreement").GetDouble());
        Assert.Equal(itself.GetProperty("perplexity").GetRawText(), itself.GetProperty("reference_perplexity").GetRawText());

        // The rows of q and k are permuted in the folder: sums run in another order.
        JsonElement other = Compare(SharedModels.Stories, SharedModels.StoriesFolder);
        Assert.InRange(other.GetProperty("kl_divergence").GetProperty("max").GetDouble(), 0, 1e-6);
        Assert.InRange(other.GetProperty("top1_agreement").GetDouble(), 0.999, 1);
    }

    [Fact]
    public void Every_protocol_runs_and_prints_its_name()
    {
        foreach (string protocol in new[] { "chunks", "llama.cpp", "sliding" })
        {
            CommandRun run = CommandRun.Succeed("eval", SharedModels.Stories, "--text", SharedModels.StoryText, "--protocol", protocol, "--tokens", "300", "--context", "100");
            Assert.Contains(protocol, run.Output, StringComparison.Ordinal);
            Assert.Contains("perplexity", run.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Chunks_take_no_special_tokens_and_sliding_takes_the_stride()
    {
        JsonElement chunks = CommandRun.Succeed("eval", SharedModels.Stories, "--text", SharedModels.StoryText, "--json").Json;
        Assert.Equal((1696, 512, 3, 3 * 511), Shape(chunks));
        JsonElement sliding = CommandRun.Succeed("eval", SharedModels.Stories, "--text", SharedModels.StoryText, "--protocol", "sliding", "--context", "256", "--stride", "64", "--json").Json;
        Assert.Equal((1697, 256, (1697 - 256 + 63) / 64 + 1, 1696), Shape(sliding));
        Assert.Equal(64, sliding.GetProperty("stride").GetInt32());
        JsonElement first = CommandRun.Succeed("eval", SharedModels.Stories, "--text", SharedModels.StoryText, "--chunks", "2", "--json").Json;
        Assert.Equal((1696, 512, 2, 2 * 511), Shape(first));

        static (int, int, int, int) Shape(JsonElement document) => (
            document.GetProperty("text").GetProperty("tokens").GetInt32(), document.GetProperty("context").GetInt32(),
            document.GetProperty("windows").GetInt32(), document.GetProperty("perplexity").GetProperty("tokens").GetInt32());
    }

    [Fact]
    public void A_broken_limit_ends_with_6_after_the_result()
    {
        string[] args = ["eval", SharedModels.Stories, "--against", SharedModels.StoriesFolder, "--text", SharedModels.StoryText, "--tokens", "600", "--json"];
        CommandRun broken = CommandRun.Of([.. args, "--max-kld", "0"]);
        Assert.Equal(6, broken.ExitCode);
        Assert.True(broken.Json.GetProperty("kl_divergence").GetProperty("mean").GetDouble() > 0);
        Assert.Contains("--max-kld", broken.Error, StringComparison.Ordinal);
        Assert.Equal(0, CommandRun.Of([.. args, "--max-kld", "0.001"]).ExitCode);
    }

    [Fact]
    public void What_a_cache_type_costs_is_measured_against_exact_keys_and_values()
    {
        JsonElement Evaluate(string type) => CommandRun.Succeed(
            "eval", SharedModels.Stories, "--against", SharedModels.Stories, "--text", SharedModels.StoryText, "--tokens", "600", "--cache-type", type, "--json").Json;
        JsonElement exact = Evaluate("F32"), half = Evaluate("f16"), brain = Evaluate("bf16");
        Assert.Equal(["f32", "f16", "bf16"], new[] { exact, half, brain }.Select(document => document.GetProperty("cache_type").GetString()));
        double Mean(JsonElement document) => document.GetProperty("kl_divergence").GetProperty("mean").GetDouble();
        Assert.Equal(0, Mean(exact));
        Assert.InRange(Mean(half), 1e-12, Mean(brain) / 4);
        Assert.InRange(Mean(brain), 1e-10, 1e-3);
    }

    [Theory]
    [InlineData("--arithmetic half", 2, "half")]
    [InlineData("--cache-type q8_1", 2, "'q8_0'")]
    [InlineData("--cache-type q8_0", 2, "the heads of this model have 8. It can be: F32, F16, BF16.")]
    [InlineData("--protocol chunk", 2, "'chunks'")]
    [InlineData("--context 513", 2, "512")]
    [InlineData("--stride 64", 2, "no stride")]
    [InlineData("--tokens 100", 2, "100 tokens")]
    [InlineData("--max-kld 1", 2, "--against")]
    public void Options_that_cannot_be_met_are_refused(string options, int code, string expected)
    {
        CommandRun run = CommandRun.Of(["eval", SharedModels.Stories, "--text", SharedModels.StoryText, .. options.Split(' ')]);
        Assert.Equal((code, ""), (run.ExitCode, run.Output));
        Assert.Contains(expected, run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Different_vocabularies_are_refused()
    {
        CommandRun run = CommandRun.Of("eval", SharedModels.Stories, "--against", SharedModels.SmolLm, "--text", SharedModels.StoryText);
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("different vocabularies", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_tokenizer_cannot_be_evaluated_on_text()
    {
        CommandRun run = CommandRun.Of("eval", SharedModels.WithoutTokenizer, "--text", SharedModels.StoryText);
        Assert.Equal(3, run.ExitCode);
        Assert.Contains("no tokenizer", run.Error, StringComparison.Ordinal);
    }

    private static JsonElement Compare(string model, string reference) =>
        CommandRun.Succeed("eval", model, "--against", reference, "--text", SharedModels.StoryText, "--tokens", "700", "--json").Json;
}
