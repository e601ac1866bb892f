using System.Text.Json;

namespace Decant.Cli.Tests.Verbs;

public sealed class BenchVerbTests
{
    [Fact]
    public void Rates_are_medians_between_the_slowest_and_the_fastest()
    {
        JsonElement document = CommandRun.Succeed("bench", SharedModels.Stories, "-p", "64", "-n", "16", "-r", "3", "--threads", "1", "--json").Json;
        Assert.Equal((1, 3), (document.GetProperty("threads").GetInt32(), document.GetProperty("repetitions").GetInt32()));
        Assert.NotEmpty(document.GetProperty("kernel").GetString()!);
        foreach ((string name, int tokens) in new[] { ("prefill", 64), ("decode", 16) })
        {
            JsonElement rates = document.GetProperty(name);
            Assert.Equal(tokens, rates.GetProperty("tokens").GetInt32());
            Assert.InRange(rates.GetProperty("tokens_per_second").GetDouble(), rates.GetProperty("lowest").GetDouble(), rates.GetProperty("highest").GetDouble());
            Assert.True(rates.GetProperty("lowest").GetDouble() > 0);
        }
        JsonElement limits = document.GetProperty("limits");
        double operations = document.GetProperty("prefill").GetProperty("operations_per_second").GetDouble();
        // Weights of 32 bits are multiplied in single precision, whatever the arithmetic.
        double arithmetic = limits.GetProperty("single_operations_per_second").GetDouble();
        Assert.Equal(operations / arithmetic, document.GetProperty("prefill").GetProperty("share_of_limit").GetDouble(), 1e-9);
        double bytes = document.GetProperty("decode").GetProperty("bytes_per_second").GetDouble();
        Assert.Equal(bytes / limits.GetProperty("memory_bytes_per_second").GetDouble(), document.GetProperty("decode").GetProperty("share_of_limit").GetDouble(), 1e-9);
        double rate = document.GetProperty("decode").GetProperty("tokens_per_second").GetDouble() * document.GetProperty("decode_bytes_per_token").GetDouble();
        Assert.Equal(1, bytes / rate, 1e-9);
        Assert.True(document.GetProperty("load_seconds").GetDouble() > 0);
        Assert.True(document.GetProperty("peak_memory_bytes").GetInt64() > 1 << 20);
    }

    [Fact]
    public void A_token_allocates_nothing_on_any_thread_the_memory_watch_included()
    {
        // A process of its own: the whole program is counted, and tests beside this one allocate.
        CommandRun run = CommandRun.OfProcess("bench", SharedModels.Stories, "-p", "4", "-n", "500", "-r", "3", "--threads", "2", "--json");
        Assert.True(run.ExitCode == 0, run.Error);
        Assert.Equal(0, run.Json.GetProperty("allocated_bytes_per_token").GetDouble());
    }

    [Fact]
    public void A_kernel_level_can_be_forced()
    {
        JsonElement document = CommandRun.Succeed("bench", SharedModels.Stories, "-p", "8", "-n", "4", "-r", "1", "--kernel", "scalar", "--json").Json;
        Assert.Equal("scalar", document.GetProperty("kernel").GetString());
        CommandRun unknown = CommandRun.Of("bench", SharedModels.Stories, "--kernel", "avx9");
        Assert.Equal(2, unknown.ExitCode);
        Assert.Contains("avx9", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Kernels_forced_by_name_are_said_and_fast_arithmetic_takes_both_kinds()
    {
        string[] command = ["bench", SharedModels.SmolLm, "-p", "2", "-n", "1", "-r", "1", "--weights", "map", "--arithmetic", "fast", "--kernel"];
        JsonElement document = CommandRun.Succeed([.. command, "vector128-q8_0-int8", "--json"]).Json;
        Assert.Equal("vector128-q8_0-int8", Assert.Single(document.GetProperty("forced_kernels").EnumerateArray()).GetString());
        Assert.Contains($"{document.GetProperty("kernel").GetString()} with vector128-q8_0, fast arithmetic", CommandRun.Succeed([.. command, "vector128-q8_0"]).Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Keys_and_values_can_be_kept_in_a_smaller_type()
    {
        JsonElement document = CommandRun.Succeed("bench", SharedModels.Stories, "-p", "8", "-n", "4", "-r", "1", "--cache-type", "F16", "--json").Json;
        Assert.Equal("f16", document.GetProperty("cache_type").GetString());
        CommandRun unknown = CommandRun.Of("bench", SharedModels.Stories, "--cache-type", "q3_0");
        Assert.Equal(2, unknown.ExitCode);
        Assert.Contains("--cache-type takes: f32, f16, bf16, q8_0, q4_0.", unknown.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_model_without_tokenizer_can_be_measured()
    {
        CommandRun run = CommandRun.Succeed("bench", SharedModels.WithoutTokenizer, "-p", "4", "-n", "4", "-r", "1");
        Assert.Contains("tokens/s", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public void More_tokens_than_the_model_takes_are_refused()
    {
        CommandRun run = CommandRun.Of("bench", SharedModels.Stories, "-p", "513");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("512", run.Error, StringComparison.Ordinal);
    }
}
