using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Compression.Pipeline.Estimates;
using Decant.Core.Files;
using Decant.Evaluation;
using Decant.Testing;

namespace Decant.Compression.Tests.Pipeline;

public sealed class CompressionPlanTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public static TheoryData<string> Types => [.. FileTypes.All.Where(t => !t.BaseNeedsImportance).Select(t => t.Name)];

    public void Dispose() => folder.Dispose();

    private static string Stories => SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");

    private static CompressionPlan Plan(IModelSource source, string type) => CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type) });

    [Theory]
    [MemberData(nameof(Types))]
    public void The_planned_length_is_the_length_to_the_byte(string type)
    {
        using IModelSource source = ModelSources.Open(Stories);
        CompressionPlan plan = Plan(source, type);
        CompressResult result = CompressJob.Run(plan, new CompressOptions { OutputPath = folder["out.gguf"], Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(plan.OutputByteCount, new FileInfo(folder["out.gguf"]).Length);
        Assert.Equal(plan.OutputByteCount, result.OutputByteCount);
        using IModelSource read = ModelSources.Open(folder["out.gguf"]);
        Assert.Equal(plan.TensorByteCount, read.Tensors.Sum(t => t.Info.ByteCount));
        Assert.Equal(8.0 * plan.TensorByteCount / 260032, plan.BitsPerWeight, 9);
    }

    [Fact]
    public void Fallbacks_are_listed()
    {
        using IModelSource source = ModelSources.Open(Stories);
        CompressionPlan plan = Plan(source, "Q4_K_M");
        Assert.Contains(plan.Notices, n => n == "blk.0.ffn_down.weight: rows of 172 are no multiple of Q4_K's 256; stored as F16");
        Assert.Contains(plan.Notices, n => n.StartsWith("blk.4.attn_v.weight", StringComparison.Ordinal) && n.EndsWith("stored as Q8_0", StringComparison.Ordinal));
    }

    [Fact]
    public void A_file_that_would_not_get_smaller_is_noticed()
    {
        using IModelSource source = ModelSources.Open(Stories);
        Assert.DoesNotContain(Plan(source, "Q8_0").Notices, n => n.Contains("do not get smaller", StringComparison.Ordinal));
        CompressJob.Run(Plan(source, "Q4_0"), new CompressOptions { OutputPath = folder["small.gguf"], Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource small = ModelSources.Open(folder["small.gguf"]);
        Assert.Contains(Plan(small, "Q8_0").Notices, n => n.Contains("do not get smaller", StringComparison.Ordinal));
    }

    [Fact]
    public void Estimates_cover_every_tensor_and_stage()
    {
        using IModelSource source = ModelSources.Open(Stories);
        CompressionPlan plan = Plan(source, "Q4_K_M");
        PlanEstimate estimate = PlanEstimator.Estimate(
            plan, new EstimateOptions { QualityProbe = new QualityProbe(), OutputFolder = folder.Path }, TestContext.Current.CancellationToken);
        Assert.Equal(plan.Tensors.Count, estimate.TensorSeconds.Count);
        Assert.All(plan.Tensors.Zip(estimate.TensorSeconds), pair => Assert.InRange(pair.Second, pair.First.Source.Shape.Rank > 1 ? 1e-9 : 0, 1));
        Assert.True(estimate.Verify > TimeSpan.Zero && estimate.Hash > TimeSpan.Zero && estimate.Synchronize >= TimeSpan.Zero);
        Assert.Equal(estimate.TensorSeconds.Sum(), estimate.Encode.TotalSeconds, 1e-5);
        Assert.InRange(estimate.PeakMemoryByteCount, 50_000_000, 2_000_000_000);
        Assert.Empty(folder.Names);
        PlanEstimate without = PlanEstimator.Estimate(plan, new EstimateOptions { Verify = false }, TestContext.Current.CancellationToken);
        Assert.Equal(TimeSpan.Zero, without.Verify);
    }
}
