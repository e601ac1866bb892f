using System.Text.Json.Nodes;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Evaluation.Divergence;
using Decant.Testing;

namespace Decant.Cli.Tests;

/// <summary>
/// What fast arithmetic costs in quality: the mean divergence of a whole decoder's predictions from those of single precision on the same file, in nats, at
/// every level of kernels that this processor has, by whole prompts and token by token. Bounds are about twice what was measured; llama.cpp's own are as large
/// (bench/results: fast-divergence.md).
/// </summary>
public sealed class FastArithmeticTests : IDisposable
{
    // Where prompts of such formats are computed in single precision, another level's sums are all that differs.
    private const double Rounding = 1e-8;

    private readonly TemporaryFolder folder = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => folder.Dispose();

    /// <summary>
    /// Rows of this model are no whole blocks of 256 but for those of ffn_down, so a K type brings its fallbacks too. Of the ternary type only ten blocks have
    /// their share: with all of them the model is so broken that any rounding changes what it says (1.7 nats, llama.cpp 1.5 and 1.7).
    /// </summary>
    [Theory]
    [Trait("Category", "Slow")]
    [InlineData("q8_0", null, 0.005, "Q8_0")]
    [InlineData("q4_0", null, 0.01, "Q4_0", "Q8_0")]
    [InlineData("q4_k_m", null, 0.012, "Q4_K", "Q5_0", "Q6_K", "Q8_0")]
    [InlineData("q8_0", @"blk\.1[0-9]\.ffn_down=tq2_0", 0.015, "Q8_0", "TQ2_0")]
    public void Predictions_of_a_trained_model_hardly_diverge_from_single_precision(string type, string? exception, double bound, params string[] formats)
    {
        JsonNode file = JsonNode.Parse(File.ReadAllText(SharedFiles.Require("fixtures", "evaluation", "perplexity_ids.json")))!;
        int[] ids = [.. (file is JsonArray ? file : file["ids"]!).AsArray().Take(48).Select(id => (int)id!)];
        Compress(SharedModels.SmolLm, type, exception);
        // The scalar level would take minutes; it computes in single precision, as the tiny model shows.
        Check(ids, 16, bound, formats, [.. KernelCatalog.SupportedLevels.Except(["scalar"])], [WeightPlacement.Copied]);
    }

    [Theory]
    [InlineData("q8_0", 0.002, "Q8_0")]
    [InlineData("q4_0", 0.002, "Q4_0", "Q8_0")]
    [InlineData("q4_1", 0.002, "Q4_1", "Q8_0")]
    [InlineData("q5_0", 0.002, "Q5_0", "Q8_0")]
    [InlineData("q5_1", 0.0025, "Q5_1", "Q8_0")]
    [InlineData("iq4_nl", 0.002, "IQ4_NL", "Q8_0")]
    public void Predictions_of_a_tiny_model_hardly_diverge_from_single_precision(string type, double bound, params string[] formats)
    {
        int[] ids = [1, .. Enumerable.Range(0, 99).Select(i => 259 + i * 37 % 180)];
        Compress(SharedModels.Stories, type, null);
        Check(ids, 50, bound, formats, KernelCatalog.SupportedLevels, [WeightPlacement.Mapped, WeightPlacement.Copied]);
    }

    private void Compress(string path, string type, string? exception)
    {
        using IModelSource model = ModelSources.Open(path);
        TypeOverride[] overrides = exception is null ? [] : [TypeOverride.Parse(exception)];
        var plan = CompressionPlan.Create(model, new CompressionRequest { Type = FileTypes.Get(type), Overrides = overrides });
        CompressJob.Run(plan, new CompressOptions { OutputPath = folder["model.gguf"], Verify = false }, cancellationToken: Cancellation);
    }

    private void Check(int[] ids, int oneByOne, double bound, string[] formats, IReadOnlyList<string> levels, WeightPlacement[] placements)
    {
        using IModelSource source = ModelSources.Open(folder["model.gguf"]);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        string[] stored = [.. model.Tensors.Values.Select(tensor => tensor.Info.Format.Name).Where(name => name is not ("F32" or "F16")).Distinct().Order(StringComparer.Ordinal)];
        Assert.Equal(formats, stored);
        float[][] expected = Logits(model, new DecoderOptions(), ids, oneByOne).Prompt;
        Assert.NotEmpty(levels);
        foreach (string level in levels)
        {
            KernelDescription kernels = KernelCatalog.All.Single(description => description.Level == level);
            bool roundsAlone = formats.Any(kernels.IntegerFormats.Contains), roundsPrompts = formats.Any(kernels.IntegerFormats.Except(kernels.FewTokenFormats).Contains);
            Assert.Equal(level != "scalar", roundsAlone);
            foreach (WeightPlacement weights in placements)
            {
                var options = new DecoderOptions { Kernel = level, Arithmetic = DecoderArithmetic.Fast, Weights = weights };
                (float[][] prompt, float[][] alone) = Logits(model, options, ids, oneByOne);
                double ofPrompt = Divergence(expected, prompt), ofTokens = Divergence(expected[^oneByOne..], alone);
                TestContext.Current.SendDiagnosticMessage($"{string.Join('+', formats)}, {level}, {weights}: prompt {ofPrompt:G3}, token by token {ofTokens:G3}");
                // Codes for few tokens only may, from a copy, meet activations of 16 bits: 256 times as fine, and a divergence goes with the square: thousands of times as small.
                double unrounded = weights == WeightPlacement.Copied && formats.Any(kernels.FewTokenFormats.Contains) ? Math.Max(Rounding, bound / 4096) : Rounding;
                // Where something is rounded it shows: a bound of nothing would be met by single precision too.
                Assert.True(roundsPrompts ? ofPrompt > Rounding && ofPrompt <= bound : ofPrompt <= unrounded, $"{level}, {weights}: prompts diverge by {ofPrompt}, bound {bound}");
                Assert.True(roundsAlone ? ofTokens > Rounding && ofTokens <= bound : ofTokens <= Rounding, $"{level}, {weights}: tokens diverge by {ofTokens}, bound {bound}");
            }
        }
    }

    private static double Divergence(float[][] reference, float[][] candidate)
    {
        Assert.Equal(reference.Length, candidate.Length);
        return reference.Zip(candidate, (one, other) => DistributionComparison.Of(one, other).Divergence).Average();
    }

    /// <summary>Logits of every position, by one prompt; and of the last ones, written one by one after the others.</summary>
    private static (float[][] Prompt, float[][] OneByOne) Logits(DecoderModel model, DecoderOptions options, int[] ids, int oneByOne)
    {
        using Decoder decoder = Decoder.Load(model, options, Cancellation);
        using DecoderSession session = decoder.StartSession(ids.Length);
        var prompt = new float[ids.Length][];
        session.Score(ids, 0, (position, logits) => prompt[position] = logits.ToArray(), Cancellation);
        session.Reset();
        session.Append(ids.AsSpan(..^oneByOne), Cancellation);
        float[][] alone = [.. ids[^oneByOne..].Select(id => session.Append([id], Cancellation).ToArray())];
        return (prompt, alone);
    }
}
