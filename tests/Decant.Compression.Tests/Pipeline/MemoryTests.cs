using System.Diagnostics;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Files;
using Decant.Evaluation;
using Decant.Testing;

namespace Decant.Compression.Tests.Pipeline;

/// <summary>Private memory of a whole job. It counts for the process, so the job runs in one of its own: this program, asked for one test.</summary>
[Trait("Category", "Slow")]
public sealed class MemoryTests
{
    private const string Variable = "DECANT_MEMORY_TEST_TYPE";
    private const long Bound = 300_000_000;

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q4_K_M")]
    [InlineData("F32")]
    public void Compressing_and_verifying_the_135M_model_stays_below_300_megabytes(string type)
    {
        SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf");
        string program = Path.ChangeExtension(typeof(MemoryTests).Assembly.Location, OperatingSystem.IsWindows() ? ".exe" : null);
        var start = new ProcessStartInfo(program, ["-explicit", "only", "-method", $"*{nameof(In_a_process_of_its_own)}"]) { RedirectStandardOutput = true, Environment = { [Variable] = type } };
        using Process process = Process.Start(start)!;
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0 && output.Contains("Total: 1", StringComparison.Ordinal), output);
    }

    [Fact(Explicit = true)]
    public void In_a_process_of_its_own()
    {
        string? type = Environment.GetEnvironmentVariable(Variable);
        Assert.NotNull(type);
        using var folder = new TemporaryFolder();
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"));
        CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type) });
        CompressResult result = CompressJob.Run(
            plan, new CompressOptions { OutputPath = folder.File("out.gguf"), QualityProbe = new QualityProbe() }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.InRange(result.PeakMemoryByteCount, 1, Bound);
    }
}
