using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Evaluation;
using Decant.Testing;

namespace Decant.Compression.Tests.Pipeline;

/// <summary>Hugging Face folders straight to a quantized GGUF file, verified by running both.</summary>
public sealed class CompressFolderSourceTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("llama")]
    [InlineData("llama-tied")]
    [InlineData("llama-sharded")]
    [InlineData("llama-oddities")]
    [InlineData("mistral")]
    [InlineData("mistral-f16")]
    [InlineData("mixtral")]
    [InlineData("qwen2")]
    [InlineData("qwen3")]
    public void Fixtures_become_files_that_verify(string fixture)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", fixture));
        foreach (string type in (string[])["Q8_0", "Q5_K_M"])
        {
            CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type) });
            CompressResult result = CompressJob.Run(
                plan, new CompressOptions { OutputPath = folder[$"{type}.gguf"], QualityProbe = new QualityProbe() }, cancellationToken: TestContext.Current.CancellationToken);
            Assert.True(result.Verification!.Passed);
            Assert.InRange(result.Verification.Quality!.Divergence.Mean, 0, 0.1);
            Assert.Contains("pseudo-random", result.Verification.QualityText, StringComparison.Ordinal);
            using IModelSource read = ModelSources.Open(result.OutputPath);
            Assert.Equal(plan.Tensors.Select(t => t.Target), read.Tensors.Select(t => t.Info.Format));
        }
    }

    [Fact]
    public void Stacked_experts_are_rounded_like_any_matrix_and_routers_are_not()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "mixtral"));
        CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get("MXFP4_MOE") });
        TensorChoice experts = plan.Tensors.Single(t => t.Source.Name == "blk.0.ffn_down_exps.weight");
        Assert.Equal(3, experts.Source.Shape.Rank);
        // The fixture's rows are too short for blocks; what the rules want shows all the same.
        Assert.Equal("MXFP4", experts.Wanted.Name);
        Assert.Equal("Q8_0", plan.Tensors.Single(t => t.Source.Name == "blk.0.attn_q.weight").Wanted.Name);
        Assert.Equal(ChoiceReason.Untouched, plan.Tensors.Single(t => t.Source.Name == "blk.0.ffn_gate_inp.weight").Reason);
    }

    [Fact]
    public void A_model_gguf_cannot_hold_is_refused() =>
        Assert.Throws<NotSupportedModelException>(() =>
        {
            using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "openai-gpt"));
            CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get("Q8_0") });
        });
}
