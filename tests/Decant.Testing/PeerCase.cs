using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Xunit;

namespace Decant.Testing;

/// <summary>A fixture's checkpoint in llama.cpp: how far its logits lie from the reference's.</summary>
/// <param name="Folder">The folder of <c>fixtures/architectures</c>.</param>
/// <param name="Tolerance">Largest difference of a logit.</param>
/// <param name="Positions">Positions before what llama.cpp ignores has an effect; null for all, 0 if there are none.</param>
/// <param name="Ignored">What llama.cpp ignores or fixes, in a few words, or null.</param>
/// <param name="Equivalent">Another model of the same logits that has what llama.cpp fixes, or null.</param>
public sealed record PeerCase(
    string Folder, float Tolerance = 1e-4f, int? Positions = null, string? Ignored = null, Func<EquivalentModel, EquivalentModel>? Equivalent = null)
{
    /// <summary>llama.cpp's GELU goes through a table in half precision.</summary>
    public const float GeluTolerance = 5e-3f;

    private static readonly string[] branchEnds = ["o_proj", "down_proj"];

    /// <summary>Every decoder's folder that llama.cpp can compute.</summary>
    public static IReadOnlyList<PeerCase> All { get; } =
    [
        new("llama"),
        new("llama-tied"),
        new("llama-linear"),
        new("llama-dynamic", Ignored: "llama.cpp has no dynamic NTK scaling", Equivalent: WithBaseForLength),
        new("llama-yarn"),
        new("llama-sharded"),
        new("llama-oddities"),
        new("mistral", Positions: 9, Ignored: "llama.cpp ignores the window"),
        new("mistral-f16", Positions: 9, Ignored: "llama.cpp ignores the window"),
        new("mixtral"),
        new("qwen2"),
        new("qwen2_moe"),
        new("qwen3"),
        new("qwen3_moe"),
        new("smollm3", Ignored: "llama.cpp leaves every fourth block without rotation, whatever a config says", Equivalent: model => model
            .InsertIdleBlocks(before: 2, count: 1, like: 1, branchEnds).Set("no_rope_layers", new JsonArray(1, 1, 1, 0, 1)).Set("layer_types", FullAttention(5))),
        new("granite"),
        new("olmo2"),
        new("stablelm"),
        new("cohere"),
        new("cohere-qknorm", Ignored: "llama.cpp loads norms of queries and keys from 64 blocks on", Equivalent: model => model.InsertIdleBlocks(before: 2, count: 62, like: 1, branchEnds)),
        new("gemma", GeluTolerance),
        new("gemma2", GeluTolerance, Ignored: "llama.cpp takes the head size for query_pre_attn_scalar", Equivalent: model => model
            .Change("q_proj.weight", w => w * ScaleOf(model)).Set("query_pre_attn_scalar", HeadSize(model))),
        new("gemma3", GeluTolerance, Ignored: "llama.cpp takes the head size for query_pre_attn_scalar", Equivalent: model => model
            .Change("q_norm.weight", w => (1 + w) * ScaleOf(model) - 1).Set("query_pre_attn_scalar", HeadSize(model))),
        new("phi", GeluTolerance),
        new("phi3", Positions: 11, Ignored: "llama.cpp ignores the window"),
        new("phi3-longrope", Ignored: "llama.cpp chooses longrope's list by the size of its context, not by the length of the text", Equivalent: WithListForLength),
        new("phi3-longrope-long"),
        new("gpt2", GeluTolerance),
        new("gpt2-oddities", GeluTolerance),
        new("gpt_neox", GeluTolerance),
        new("gpt_neox-seq", GeluTolerance),
        new("bloom", GeluTolerance),
        new("falcon", GeluTolerance),
        new("falcon-new", GeluTolerance),
        new("deepseek_v2", Ignored: "without q_lora_rank llama.cpp takes 26 or 27 blocks only", Equivalent: model => model.InsertIdleBlocks(before: 2, count: 24, like: 1, branchEnds)),
        new("deepseek_v3"),
        new("bitnet", Positions: 0, Ignored: "llama.cpp does not round activations to 8 bits, and computes SiLU unless it reads `bitnet.hidden_activation`; run so, this engine gives its logits to 1e-4 (TernaryFileTests)"),
        new("mamba"),
        new("mamba2"),
    ];

    /// <summary>The largest difference between llama.cpp's logits and the reference's, in all texts of the fixture.</summary>
    /// <param name="equivalent">True to convert the equivalent model.</param>
    /// <param name="positions">How many positions of each text count; null for all.</param>
    public float Difference(bool equivalent, int? positions)
    {
        string reference = SharedFiles.Require("fixtures", "architectures", Folder, "expected.safetensors");
        Peer.RequireProgram();
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", Folder));
        var expected = new SafetensorsFixture(reference);
        IModelSource model = equivalent ? Equivalent!(new EquivalentModel(source, (int)expected.Shape("input_ids")[1])).ToSource() : source;
        using var files = new TemporaryFolder();
        string path = ConvertedFile.Write(files, GgufExport.Describe(ArchitectureRegistry.Bind(model), TensorFormats.F32));
        (int rows, int length, int vocabulary) = ((int)expected.Shape("logits")[0], (int)expected.Shape("logits")[1], (int)expected.Shape("logits")[2]);
        long[] ids = expected.Integers("input_ids");
        float worst = 0;
        for (int row = 0; row < rows; row++)
        {
            float[] got = Peer.Logits(files, path, ids.Skip(row * length).Take(length));
            Assert.Equal(length * vocabulary, got.Length);
            ReadOnlySpan<float> logits = expected.Singles("logits").Slice(row * got.Length, got.Length);
            for (int i = 0; i < (positions ?? length) * vocabulary; i++)
                worst = Math.Max(worst, Math.Abs(logits[i] - got[i]));
        }
        return worst;
    }

    // The base that dynamic NTK scaling comes to where a text is longer than the context: base·(s·n/n0 − (s − 1))^(h/(h − 2)).
    private static EquivalentModel WithBaseForLength(EquivalentModel model)
    {
        var rope = (JsonObject)model.Config["rope_parameters"]!;
        (double factor, double size) = ((double)rope["factor"]!, HeadSize(model));
        double growth = Math.Max(1, factor * model.TextLength / (int)model.Config["max_position_embeddings"]! - (factor - 1));
        return model.Set("rope_parameters", new JsonObject { ["rope_type"] = "default", ["rope_theta"] = (double)rope["rope_theta"]! * Math.Pow(growth, size / (size - 2)) });
    }

    // The list that the length of the texts chooses, for every length.
    private static EquivalentModel WithListForLength(EquivalentModel model)
    {
        var rope = (JsonObject)model.Config["rope_parameters"]!.DeepClone();
        bool isLong = model.TextLength > (int)rope["original_max_position_embeddings"]!;
        rope[isLong ? "short_factor" : "long_factor"] = rope[isLong ? "long_factor" : "short_factor"]!.DeepClone();
        return model.Set("rope_parameters", rope);
    }

    private static int HeadSize(EquivalentModel model) => (int)model.Config["head_dim"]!;

    private static float ScaleOf(EquivalentModel model) => MathF.Sqrt((float)HeadSize(model) / (int)model.Config["query_pre_attn_scalar"]!);

    private static JsonArray FullAttention(int layers) => [.. Enumerable.Range(0, layers).Select(_ => (JsonNode)JsonValue.Create("full_attention"))];
}
