using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Compression.Tests.Pipeline;

/// <summary>Whole files against <c>llama_model_quantize</c>: every tensor's type and bytes.</summary>
[Trait("Category", "Slow")]
public sealed class PeerQuantizeTests : IDisposable
{
    /// <summary>Shapes of <c>make_gguf.py custom</c>: query groups of 1, 2, 4 and 8, layer counts on either side of the thresholds, odd rows, tied and not.</summary>
    private static readonly (string Name, string[] Arguments)[] customShapes =
    [
        ("gqa1-layers1", ["--hidden", "256", "--layers", "1", "--heads", "4", "--kv", "4", "--inter", "512", "--vocab", "300"]),
        ("gqa2-layers7-tied", ["--hidden", "256", "--layers", "7", "--heads", "4", "--kv", "2", "--inter", "256", "--vocab", "300", "--tied"]),
        ("gqa4-layers17", ["--hidden", "256", "--layers", "17", "--heads", "8", "--kv", "2", "--inter", "256", "--vocab", "300"]),
        ("gqa8-layers80", ["--hidden", "256", "--layers", "80", "--heads", "8", "--kv", "1", "--inter", "256", "--vocab", "300"]),
        ("odd-rows", ["--hidden", "288", "--layers", "9", "--heads", "9", "--kv", "3", "--inter", "520", "--vocab", "300"]),
    ];

    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> CustomShapes => [.. customShapes.Select(s => s.Name)];

    /// <summary>All but Q2_K_S, which needs importance values, and Q1_0, which llama.cpp refuses for rows that are no multiple of 128.</summary>
    private static readonly string[] comparable = [.. FileTypes.All.Where(t => !t.BaseNeedsImportance && t.Name != "Q1_0").Select(t => t.Name)];

    public static TheoryData<string> Types => [.. comparable];

    public void Dispose() => folder.Dispose();

    [Theory]
    [MemberData(nameof(CustomShapes))]
    public void Made_shapes_are_quantized_as_llama_cpp_does(string shape)
    {
        Peer.RequireProgram();
        string input = folder["in.gguf"];
        MadeModel.Make(input, ["custom", .. customShapes.Single(s => s.Name == shape).Arguments]);
        int count = 0;
        foreach (string type in shape.StartsWith("odd", StringComparison.Ordinal) ? comparable : [.. comparable, "Q1_0"])
            count += CompareWithPeer(input, type);
        Assert.True(count > 10 * comparable.Length, $"{count} tensors compared");
    }

    [Theory]
    [MemberData(nameof(Types))]
    public void Stories_are_quantized_as_llama_cpp_does(string type)
    {
        Assert.Equal(47, CompareWithPeer(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"), type));
    }

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q4_1")]
    [InlineData("Q5_0")]
    [InlineData("Q5_1")]
    [InlineData("Q8_0")]
    [InlineData("Q6_K")]
    [InlineData("Q4_K_M")]
    [InlineData("IQ4_NL")]
    public void The_real_model_is_quantized_as_llama_cpp_does(string type)
    {
        Assert.Equal(272, CompareWithPeer(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"), type));
    }

    /// <summary>Quantizes with both programs and compares every tensor; returns how many there were.</summary>
    private int CompareWithPeer(string input, string type)
    {
        string theirs = folder["theirs.gguf"];
        string ours = folder["ours.gguf"];
        Peer.Run(["quantize", input, theirs, type, "2"]);
        using (IModelSource source = ModelSources.Open(input))
        {
            CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type) });
            CompressJob.Run(plan, new CompressOptions { OutputPath = ours, Verify = false, Overwrite = true }, cancellationToken: TestContext.Current.CancellationToken);
        }
        int count = ComparedFiles.AssertSameTensors(theirs, ours, type);
        using IModelSource expected = ModelSources.Open(theirs);
        using IModelSource got = ModelSources.Open(ours);
        Assert.Equal(expected.Gguf!.GetInteger("general.file_type"), got.Gguf!.GetInteger("general.file_type"));
        return count;
    }
}
