using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

/// <summary>llama.cpp computes from converted files what the reference computes from the checkpoints.</summary>
public sealed class PeerParityTests
{
    // llama.cpp's GELU goes through a table in half precision.
    private const float GeluTolerance = 5e-3f;

    /// <summary>llama.cpp's logits for the file converted as F32, at the positions before a window or a stretched context bites.</summary>
    [Theory]
    [InlineData("llama", 24)]
    [InlineData("llama-tied", 24)]
    [InlineData("llama-linear", 24)]
    [InlineData("llama-yarn", 24)]
    [InlineData("llama-sharded", 24)]
    [InlineData("llama-oddities", 24)]
    [InlineData("mistral", 9)]
    [InlineData("mistral-f16", 9)]
    [InlineData("mixtral", 24)]
    [InlineData("qwen2", 24)]
    [InlineData("qwen3", 24)]
    [InlineData("phi3", 11)]
    [InlineData("phi3-longrope-long", 24)]
    [InlineData("qwen3_moe", 24)]
    [InlineData("granite", 24)]
    [InlineData("olmo2", 24)]
    [InlineData("stablelm", 24)]
    [InlineData("cohere", 24)]
    [InlineData("gemma", 24, GeluTolerance)]
    [InlineData("phi", 24, GeluTolerance)]
    [InlineData("gpt_neox", 24, GeluTolerance)]
    [InlineData("gpt_neox-seq", 24, GeluTolerance)]
    [InlineData("bloom", 24, GeluTolerance)]
    [InlineData("falcon", 24, GeluTolerance)]
    [InlineData("falcon-new", 24, GeluTolerance)]
    [InlineData("deepseek_v3", 24)]
    [InlineData("gpt2", 24, GeluTolerance)]
    [InlineData("gpt2-oddities", 24, GeluTolerance)]
    public void The_peer_computes_the_reference_logits_from_the_converted_file(string folder, int positions, float tolerance = 1e-4f)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        AssertPeerComputes(folder, source, positions, tolerance);
    }

    /// <summary>What llama.cpp fixes is given to it in the form it has; the logits are those of the fixture.</summary>
    [Theory]
    [MemberData(nameof(Fixed))]
    public void The_peer_computes_the_reference_logits_from_an_equivalent_model(string folder, float tolerance)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        var model = new EquivalentModel(folder, source);
        float gemmaScale = MathF.Sqrt(12f / 20);
        _ = folder switch
        {
            // Models without a narrow vector for queries have 26 or 27 blocks.
            "deepseek_v2" => model.InsertIdleBlocks(before: 2, count: 24, like: 1, "o_proj", "down_proj"),
            // A mixture in every block.
            "qwen2_moe" => model.MakeDenseBlockSparse(layer: 1, like: 0),
            // Every fourth block does not rotate.
            "smollm3" => model.InsertIdleBlocks(before: 2, count: 1, like: 1, "o_proj", "down_proj").Set("no_rope_layers", new JsonArray(1, 1, 1, 0, 1)).Set("layer_types", Types("fffff")),
            // Queries and keys have norms in models of 64 blocks and more.
            "cohere-qknorm" => model.InsertIdleBlocks(before: 2, count: 62, like: 1, "o_proj", "down_proj"),
            // Scores are scaled by the head size, and in Gemma 3 every sixth block has no window.
            "gemma2" => model.Change("q_proj.weight", w => w * gemmaScale).Set("query_pre_attn_scalar", 12),
            _ => model.Change("q_norm.weight", w => (1 + w) * gemmaScale - 1).Set("query_pre_attn_scalar", 12),
        };
        AssertPeerComputes(folder, model.ToSource(), positions: 24, tolerance);
    }

    public static TheoryData<string, float> Fixed => new()
    {
        { "deepseek_v2", 1e-4f },
        { "qwen2_moe", 1e-4f },
        { "smollm3", 1e-4f },
        { "cohere-qknorm", 1e-4f },
        { "gemma2", GeluTolerance },
        { "gemma3", GeluTolerance },
    };

    private static JsonArray Types(string letters) =>
        [.. letters.Select(letter => (JsonNode)JsonValue.Create(letter == 'f' ? "full_attention" : "sliding_attention"))];

    private static void AssertPeerComputes(string folder, IModelSource source, int positions, float tolerance)
    {
        string reference = Path.Combine(SharedFiles.Require("fixtures", "architectures", folder), "expected.safetensors");
        Peer.RequireProgram();
        using var files = new TemporaryFolder();
        string path = ConvertedFile.Write(files, GgufExport.Describe(ArchitectureRegistry.Bind(source), TensorFormats.F32));
        var expected = new SafetensorsFixture(reference);
        long[] shape = expected.Shape("logits");
        int vocabulary = (int)shape[2];
        long[] ids = expected.Integers("input_ids");
        float worst = 0;
        for (int row = 0; row < shape[0]; row++)
        {
            float[] got = Peer.Logits(files, path, ids.Skip(row * (int)shape[1]).Take((int)shape[1]));
            Assert.Equal(shape[1] * vocabulary, got.Length);
            ReadOnlySpan<float> logits = expected.Singles("logits").Slice(row * got.Length, got.Length);
            for (int i = 0; i < positions * vocabulary; i++)
                worst = Math.Max(worst, Math.Abs(logits[i] - got[i]));
        }
        TestContext.Current.TestOutputHelper?.WriteLine($"{folder}: {worst:E2} over {positions} positions");
        Assert.InRange(worst, 0, tolerance);
    }
}
