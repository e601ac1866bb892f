using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;
using Decant.Core.Tokenizers;
using Decant.Testing;

namespace Decant.Evaluation.Tests;

public sealed class QualityProbeTests
{
    [Fact]
    public void A_model_in_two_containers_hardly_diverges_and_both_perplexities_agree()
    {
        using IModelSource gguf = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using IModelSource folder = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        QualityFigures figures = new QualityProbe().Compare(
            new QualityRequest { Reference = ArchitectureRegistry.BindDecoder(gguf), Candidate = ArchitectureRegistry.BindDecoder(folder), Windows = Windows(gguf, 128, 3) },
            cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(3 * 127, figures.Reference.TokenCount);
        Assert.InRange(figures.Divergence.Maximum, 0, 1e-6);
        Assert.Equal(figures.Reference.Value, figures.Candidate.Value, 1e-4);
        Assert.InRange(figures.Reference.Value, 1.2, 3);
    }

    [Theory]
    [InlineData("mamba2")]
    [InlineData("rwkv")]
    [InlineData("reformer")]
    public void Models_without_a_cache_are_compared_too(string folder)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", folder));
        Model model = ArchitectureRegistry.Bind(source);
        ReadOnlyMemory<int>[] windows = [.. Enumerable.Range(0, 3).Select(w => (ReadOnlyMemory<int>)Enumerable.Range(0, 24).Select(i => (i * 17 + w) % model.Spec.VocabularySize).ToArray())];
        QualityFigures figures = new QualityProbe().Compare(
            new QualityRequest { Reference = model, Candidate = model, Windows = windows }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(3 * 23, figures.Reference.TokenCount);
        Assert.Equal(0, figures.Divergence.Maximum);
        Assert.Equal(1, figures.TopOneAgreement);
        Assert.InRange(figures.Reference.Value, 50, 5000);
    }

    [Fact]
    public void Windows_without_a_target_are_refused()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        var probe = new QualityProbe();
        Assert.Throws<UsageException>(() => probe.Compare(
            new QualityRequest { Reference = model, Candidate = model, Windows = [] }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<ArgumentException>(() => probe.Compare(
            new QualityRequest { Reference = model, Candidate = model, Windows = [new int[] { 1 }] }, cancellationToken: TestContext.Current.CancellationToken));
        Assert.Throws<UsageException>(() => probe.Compare(
            new QualityRequest { Reference = model, Candidate = model, Windows = [new int[] { 1, 512 }] }, cancellationToken: TestContext.Current.CancellationToken));
    }

    private static ReadOnlyMemory<int>[] Windows(IModelSource source, int length, int count)
    {
        string text = File.ReadAllText(SharedFiles.Require("models", "stories260K", "story.txt"));
        int[] ids = TokenizerLoader.Load(source)!.EncodeIds(text, addSpecialTokens: true);
        return [.. Enumerable.Range(0, count).Select(i => new ReadOnlyMemory<int>(ids, i * length, length))];
    }
}
