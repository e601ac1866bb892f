using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Recurrent;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Recurrent;

/// <summary>Models of random weights in the sizes llama.cpp takes, as files: it computes what this engine computes.</summary>
public class RecurrentPeerTests
{
    // As a share of the largest logit, or of 1.
    private const double Tolerance = 1e-4;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_peer_computes_our_logits_of_head_scans(int groups) => AssertPeerComputes("mamba2", new HeadScanSpec
    {
        HeadCount = 8, HeadSize = 16, StateSize = 12, GroupCount = groups, Convolution = new ConvolutionSpec(4, Bias: true, Activation.Silu), GateActivation = Activation.Silu,
        Norm = new NormSpec(NormKind.RootMeanSquare, 1e-3f),
    });

    [Theory]
    [InlineData(8, 5)]
    [InlineData(16, 32)]
    public void The_peer_computes_our_logits_of_selective_scans(int state, int rank) => AssertPeerComputes("mamba", new SelectiveScanSpec
    {
        InnerSize = 128, StateSize = state, TimeStepRank = rank, Convolution = new ConvolutionSpec(4, Bias: true, Activation.Silu), GateActivation = Activation.Silu,
    });

    /// <summary>llama.cpp's quantizer writes a norm of one group as [inner], where its converter writes [1, inner].</summary>
    [Fact]
    public void A_file_that_the_peer_quantized_is_read_without_the_ones_in_front()
    {
        Peer.RequireProgram();
        Model<RecurrentSpec> model = MakeModel("mamba2", new HeadScanSpec
        {
            HeadCount = 4, HeadSize = 32, StateSize = 16, GroupCount = 1, Convolution = new ConvolutionSpec(4, Bias: true, Activation.Silu), GateActivation = Activation.Silu,
            Norm = new NormSpec(NormKind.RootMeanSquare, 1e-3f),
        });
        using var files = new TemporaryFolder();
        Peer.Run(["quantize", ConvertedFile.Write(files, GgufExport.Describe(model, TensorFormats.F32)), files["f16.gguf"], "F16", "1"]);
        using IModelSource source = ModelSources.Open(files["f16.gguf"]);
        Assert.Equal(1, source.FindTensor("blk.0.ssm_norm.weight")!.Info.Shape.Rank);
        Model read = ArchitectureRegistry.Bind(source);
        Assert.Equal(model.Spec.Layers[0].Mixer, ((RecurrentSpec)read.Spec).Layers[0].Mixer);
        Assert.Equal(model.Tensors.Keys.ToHashSet(), read.Tensors.Keys.ToHashSet());
    }

    private static void AssertPeerComputes(string architecture, MixerSpec mixer)
    {
        Peer.RequireProgram();
        Model<RecurrentSpec> model = MakeModel(architecture, mixer);
        int[] ids = [.. Enumerable.Range(0, 30).Select(i => i * 37 % 96)];

        using var files = new TemporaryFolder();
        float[] theirs = Peer.Logits(files, ConvertedFile.Write(files, GgufExport.Describe(model, TensorFormats.F32)), ids.Select(id => (long)id));
        using RecurrentDecoder decoder = RecurrentDecoder.Load(model, new DecoderOptions { ThreadCount = 1 }, TestContext.Current.CancellationToken);
        using RecurrentSession session = decoder.StartSession();
        int visited = 0;
        session.Score(ids, 0, (position, ours) =>
        {
            Closeness.Assert(theirs.AsSpan(position * 96, 96), ours, Tolerance * Math.Max(1, theirs.Max(MathF.Abs)), $"logits of {position}");
            visited++;
        }, TestContext.Current.CancellationToken);
        Assert.Equal(ids.Length, visited);
        Assert.True(theirs.Max() - theirs.Min() > 0.1);
    }

    private static Model<RecurrentSpec> MakeModel(string architecture, MixerSpec mixer)
    {
        var norm = new NormSpec(NormKind.RootMeanSquare, 1e-3f);
        var spec = new RecurrentSpec
        {
            VocabularySize = 96,
            HiddenSize = 64,
            ContextLength = 1 << 20,
            Layers = [.. Enumerable.Repeat(new RecurrentLayerSpec { Norm = norm, Mixer = mixer }, 3)],
            FinalNorm = norm,
            Head = new HeadSpec { Tied = false },
        };
        var random = new Random(11);
        Dictionary<TensorId, TensorData> tensors = spec.ListTensors().ToDictionary(tensor => tensor.Id, tensor => (TensorData)MemoryTensor.FromValues(
            tensor.Id.ToString(), tensor.Shape, [.. Enumerable.Range(0, (int)tensor.Shape.ElementCount).Select(_ => (float)(random.NextDouble() - 0.4))]));
        return new Model<RecurrentSpec>(MemoryModelSource.WithConfig([], []), architecture, spec, tensors);
    }
}
