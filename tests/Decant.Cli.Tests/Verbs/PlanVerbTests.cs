using System.Text.Json;
using Decant.Compression.Methods.Mixtures;

namespace Decant.Cli.Tests.Verbs;

public sealed class PlanVerbTests
{
    [Fact]
    public void Every_type_is_planned_to_the_byte_or_says_what_it_needs()
    {
        int planned = 0;
        foreach (FileType type in FileTypes.All)
        {
            CommandRun run = CommandRun.Of("plan", SharedModels.SmolLm, "--to", type.Name.ToLowerInvariant(), "--no-verify", "--json");
            if (run.ExitCode == 2)
            {
                Assert.Contains("imatrix", run.Error, StringComparison.Ordinal);
                continue;
            }
            Assert.True(run.ExitCode == 0, run.Error);
            JsonElement document = run.Json;
            Assert.Equal(type.Name, document.GetProperty("type").GetString());
            Assert.Equal(134_515_008, document.GetProperty("parameters").GetInt64());
            Assert.True(document.GetProperty("types").EnumerateArray().Sum(t => t.GetProperty("bytes").GetInt64()) < document.GetProperty("bytes_out").GetInt64());
            planned++;
        }
        Assert.True(planned > 15, $"{planned}");
    }

    [Fact]
    public void Tensors_are_listed_with_their_reasons()
    {
        CommandRun run = CommandRun.Succeed("plan", SharedModels.SmolLm, "--to", "q4_k_m", "--tensor-type", @"blk\.0\.ffn_up=q8_0", "--tensors", "--json");
        JsonElement[] tensors = [.. run.Json.GetProperty("tensors").EnumerateArray()];
        Assert.Equal(272, tensors.Length);
        string?[] reasons = [.. tensors.Select(t => t.GetProperty("reason").GetString()).Distinct().Order()];
        Assert.Equal(["fallback", "mixture", "override", "untouched"], reasons);
        JsonElement chosen = tensors.Single(t => t.GetProperty("reason").GetString() == "override");
        Assert.Equal(("blk.0.ffn_up.weight", "Q8_0"), (chosen.GetProperty("name").GetString(), chosen.GetProperty("to").GetString()));
        int fallbacks = run.Json.GetProperty("fallbacks").EnumerateArray().Sum(group => group.GetProperty("tensors").GetArrayLength());
        Assert.Equal(tensors.Count(t => t.GetProperty("reason").GetString() == "fallback"), fallbacks);
        Assert.Contains("blk.0.ffn_up.weight", CommandRun.Succeed("plan", SharedModels.SmolLm, "--to", "q4_k_m", "--tensors").Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Time_and_memory_are_estimated_part_by_part()
    {
        JsonElement document = CommandRun.Succeed("plan", SharedModels.Stories, "--to", "q4_0", "--json").Json;
        double[] parts = [.. new[] { "hash_seconds", "encode_seconds", "sync_seconds", "verify_seconds" }.Select(name => document.GetProperty(name).GetDouble())];
        Assert.All(parts, part => Assert.True(part > 0));
        Assert.Equal(parts.Sum(), document.GetProperty("seconds").GetDouble(), 1e-6);
        Assert.InRange(document.GetProperty("peak_memory_bytes").GetInt64(), 1 << 20, 2L << 30);
    }

    [Fact]
    public void A_folder_is_planned_where_the_output_would_be_one()
    {
        JsonElement document = CommandRun.Succeed("plan", SharedModels.StoriesFolder, "--to", "q4_0", "-o", "small", "--json").Json;
        Assert.Equal("hugging_face", document.GetProperty("container").GetString());
    }
}
