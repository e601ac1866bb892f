using System.Runtime.InteropServices;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

public sealed class GgufRefusalTests
{
    [Theory]
    [InlineData("llama", "general.architecture", "lamma", "llama")]
    [InlineData("llama", "llama.rope.scaling.type", "ntk", "yarn")]
    [InlineData("llama", "llama.attention.causal", false, "causal")]
    [InlineData("llama", "llama.logit_scale", 2f, "llama.logit_scale")]
    [InlineData("qwen2", "qwen2.expert_count", 4, "qwen2.expert_count")]
    public void A_key_or_value_without_an_implementation_is_refused_by_name(string folder, string key, object value, string named)
    {
        GgufDescription description = Describe(folder);
        description.Metadata.Set(key, Value(value));
        NotSupportedModelException error = Assert.Throws<NotSupportedModelException>(() => Bind(description));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("llama", "llama.block_count", 3, "block_count")]
    [InlineData("llama", "llama.block_count", 1, "block_count")]
    [InlineData("llama", "llama.block_count", 2000000000, "block_count")]
    [InlineData("llama", "llama.embedding_length", 64, "embedding_length")]
    [InlineData("llama", "llama.attention.head_count_kv", 4, "head_count_kv")]
    [InlineData("llama", "llama.attention.head_count", -6, "head_count")]
    [InlineData("llama", "llama.vocab_size", 132, "vocab_size")]
    [InlineData("llama", "llama.feed_forward_length", "many", "feed_forward_length")]
    [InlineData("llama", "llama.rope.dimension_count", 3, "rope.dimension_count")]
    [InlineData("llama", "llama.rope.freq_base", float.NaN, "rope.freq_base")]
    [InlineData("llama", "llama.attention.layer_norm_rms_epsilon", 0f, "layer_norm_rms_epsilon")]
    [InlineData("mixtral", "llama.expert_count", 5, "ffn_gate_inp")]
    [InlineData("mixtral", "llama.expert_used_count", 5, "expert_used_count")]
    [InlineData("phi3-longrope", "phi3.rope.dimension_count", 6, "rope_factors")]
    [InlineData("llama", "decant.rope.scaling.factor", -1f, "decant.rope.scaling.factor")]
    public void A_contradicting_or_impossible_value_is_refused_by_name(string folder, string key, object value, string named)
    {
        GgufDescription description = Describe(folder);
        description.Metadata.Set(key, Value(value));
        BadFileException error = Assert.Throws<BadFileException>(() => Bind(description));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Head_counts_and_widths_may_differ_between_layers()
    {
        GgufDescription description = Describe("llama");
        description.Metadata.Set("llama.feed_forward_length", GgufValue.From([80u, 80u]));
        description.Metadata.Set("llama.attention.head_count_kv", GgufValue.From([2, 2]));
        Assert.Equal(80, Bind(description).Spec.Layers[1].FeedForward.Width);
        description.Metadata.Set("llama.feed_forward_length", GgufValue.From([80u, 72u]));
        Assert.Contains("blk.1.ffn", Assert.Throws<BadFileException>(() => Bind(description)).Message, StringComparison.Ordinal);
        description.Metadata.Set("llama.feed_forward_length", GgufValue.From([80u]));
        Assert.Contains("2 whole numbers", Assert.Throws<BadFileException>(() => Bind(description)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Config_text_carried_along_that_is_damaged_is_refused()
    {
        GgufDescription description = Describe("llama");
        foreach (string text in (string[])["", "[]", "{\"a\":1,\"a\":2}", "{\"hidden_size\":", "null"])
        {
            description.Metadata.Set("decant.config", GgufValue.From(text));
            DecoderModel model = Bind(description);
            Assert.Contains("decant.config", Assert.ThrowsAny<DecantException>(() => HuggingFaceExport.Describe(model)).Message, StringComparison.Ordinal);
        }
        description.Metadata.Set("decant.config", GgufValue.From("{\"rms_norm_eps\":0.5}"));
        Assert.Contains("norm", Assert.Throws<NotSupportedModelException>(() => HuggingFaceExport.Describe(Bind(description))).Message, StringComparison.Ordinal);
    }

    /// <summary>2,000 sets of metadata, each with a few random changes: only documented errors, and no large allocations.</summary>
    [Fact]
    public void Mutated_metadata_give_documented_errors_only()
    {
        SharedFiles.Require("fixtures", "architectures");
        var random = new Random(20260102);
        (string Folder, GgufDescription Description)[] models = [.. Fixtures.GgufFolders.Select(folder => (folder, Describe(folder)))];
        int refused = 0;
        for (int i = 0; i < 2000; i++)
        {
            GgufDescription original = models[i % models.Length].Description;
            GgufMetadata metadata = original.Metadata.Copy();
            for (int change = random.Next(1, 4); change > 0; change--)
                Mutate(metadata, random);
            long before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                DecoderModel model = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(metadata, original.Tensors));
                HuggingFaceExport.Describe(model);
            }
            catch (DecantException error)
            {
                Assert.True(error is BadFileException or NotSupportedModelException, error.ToString());
                refused++;
            }
            catch (Exception error)
            {
                Assert.Fail($"{models[i % models.Length].Folder}: {string.Join("; ", metadata.Entries.Select(e => $"{e.Key}={e.Value.Value}"))}: {error}");
            }
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 << 20);
        }
        Assert.InRange(refused, 500, 1999);
    }

    private static GgufDescription Describe(string folder)
    {
        SharedFiles.Require("fixtures", "architectures", folder);
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        GgufDescription description = GgufExport.Describe(ArchitectureRegistry.BindDecoder(source));
        // The source is closed here, so the tensors are taken along.
        return description with { Tensors = [.. description.Tensors.Select(t => (TensorData)new MemoryTensor(t.Info, Fixtures.Bytes(t)))] };
    }

    private static DecoderModel Bind(GgufDescription description) =>
        ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));

    private static GgufValue Value(object value) => value switch
    {
        int number => GgufValue.From(number),
        float number => GgufValue.From(number),
        bool flag => GgufValue.From(flag),
        _ => GgufValue.From((string)value),
    };

    private static void Mutate(GgufMetadata metadata, Random random)
    {
        string key = metadata.Entries[random.Next(metadata.Entries.Count)].Key;
        switch (random.Next(9))
        {
            case 0:
                metadata.Remove(key);
                break;
            case 1:
                metadata.Set(key, GgufValue.From(random.Next(-5, 300)));
                break;
            case 2:
                metadata.Set(key, GgufValue.From(ulong.MaxValue - (ulong)random.Next(3)));
                break;
            case 3:
                metadata.Set(key, GgufValue.From(MemoryMarshal.Cast<int, float>([random.Next(int.MinValue, int.MaxValue)])[0]));
                break;
            case 4:
                metadata.Set(key, GgufValue.From((string[])["llama", "yarn", "{}", "longrope", "dynamic", "mixtral"] is var words ? words[random.Next(words.Length)] : ""));
                break;
            case 5:
                metadata.Set(key, GgufValue.From(Enumerable.Range(0, random.Next(5)).Select(_ => random.Next(-2, 90)).ToArray()));
                break;
            case 6:
                metadata.Set(key, GgufValue.From([random.Next(2) == 0, random.Next(2) == 0]));
                break;
            case 7:
                metadata.Set(key, metadata.Entries[random.Next(metadata.Entries.Count)].Value);
                break;
            default:
                metadata.Set(metadata.FindString("general.architecture") is { Length: > 0 } name && random.Next(2) == 0 ? name + ".attention.sliding_window" : "llama.new", GgufValue.From(random.Next()));
                break;
        }
        // Every file has a kind; one without is a case of its own.
        if (metadata.Find("general.architecture")?.Value is not string)
            metadata.Set("general.architecture", GgufValue.From("llama"));
    }
}
