using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>Files and folders whose weights are rounded already, in this engine and in llama.cpp.</summary>
public sealed class TernaryFileTests
{
    private const string Folder = "bitnet";

    public static TheoryData<string> Kernels => [.. InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name)];

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The trained weights are gone; those that take their place round to the same, so logits are the reference's.</summary>
    [Theory]
    [MemberData(nameof(Kernels))]
    public void A_folder_made_from_a_file_gives_the_logits_of_the_original(string kernel)
    {
        using var checkpoint = new ReferenceCheckpoint(Folder);
        DecoderModel back = Back(Bind(GgufExport.Describe(checkpoint.Model, TensorFormats.F32)));
        Assert.Equal(checkpoint.Model.Spec, back.Spec);
        Compare(checkpoint, back, kernel, (row, position) => checkpoint.Logits(row, position).ToArray());
    }

    /// <summary>In half precision the scales are rounded with the weights, once: the file and the folder made from it agree.</summary>
    [Theory]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void A_folder_in_single_precision_agrees_with_a_file_in_half(string format)
    {
        using var checkpoint = new ReferenceCheckpoint(Folder);
        DecoderModel file = Bind(GgufExport.Describe(checkpoint.Model, TensorFormats.FindByName(format)));
        string kernel = InstructionSet.All.Last(set => set.IsSupported).Name;
        List<float[]>[] expected = [.. Enumerable.Range(0, checkpoint.Rows).Select(row => Logits(checkpoint, file, kernel, row))];
        Compare(checkpoint, Back(file, TensorFormats.F32), kernel, (row, position) => expected[row][position]);
    }

    /// <summary>llama.cpp runs these files without rounding activations. So run, this engine gives its logits: names, rotation and norms are those it reads.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void The_peer_computes_what_this_engine_does_without_rounded_activations(bool hasActivation)
    {
        Peer.RequireProgram();
        using var checkpoint = new ReferenceCheckpoint(Folder);
        GgufDescription description = GgufExport.Describe(checkpoint.Model, TensorFormats.F32);
        if (!hasActivation)
            description.Metadata.Remove("bitnet.hidden_activation");
        using var files = new TemporaryFolder();
        string path = ConvertedFile.Write(files, description);
        using IModelSource source = ModelSources.Open(path);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        double[] worst = [.. ((Activation[])[model.Spec.Layers[0].FeedForward.Activation, Activation.Silu]).Select(activation => WorstDifference(checkpoint, files, path, Plain(model, activation)))];
        TestContext.Current.TestOutputHelper?.WriteLine($"with the file's activation {worst[0]:E1}, with SiLU {worst[1]:E1}");
        // Without the key the two are one; with it older versions of llama.cpp compute SiLU.
        Assert.InRange(worst.Min(), 0, 1e-4);
        Assert.Equal(!hasActivation, worst[0] == worst[1]);
    }

    private static double WorstDifference(ReferenceCheckpoint checkpoint, TemporaryFolder files, string path, DecoderModel model)
    {
        double worst = 0;
        for (int row = 0; row < checkpoint.Rows; row++)
        {
            List<float[]> own = Logits(checkpoint, model, InstructionSet.All.Last(set => set.IsSupported).Name, row);
            float[] peer = Peer.Logits(files, path, checkpoint.Ids.Skip(row * checkpoint.Length).Take(checkpoint.Length).Select(id => (long)id));
            Assert.Equal(checkpoint.Length, own.Count);
            worst = Math.Max(worst, Closeness.LargestDifference(peer, [.. own.SelectMany(logits => logits)]));
        }
        return worst;
    }

    private static DecoderModel Plain(DecoderModel model, Activation activation) => new(
        model.Source, model.ArchitectureName,
        model.Spec with
        {
            Layers = [.. model.Spec.Layers.Select(layer => layer with { Projections = ProjectionKind.Plain, FeedForward = layer.FeedForward with { Activation = activation } })],
        },
        model.Tensors);

    private static void Compare(ReferenceCheckpoint checkpoint, DecoderModel model, string kernel, Func<int, int, float[]> expected)
    {
        for (int row = 0; row < checkpoint.Rows; row++)
        {
            List<float[]> got = Logits(checkpoint, model, kernel, row);
            Assert.Equal(checkpoint.Length, got.Count);
            for (int position = 0; position < got.Count; position++)
                Closeness.Assert(expected(row, position), got[position], checkpoint.Tolerance, $"logits at {row}, {position}");
        }
    }

    private static List<float[]> Logits(ReferenceCheckpoint checkpoint, DecoderModel model, string kernel, int row)
    {
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { Kernel = kernel, ThreadCount = 2 }, Cancellation);
        using DecoderSession session = decoder.StartSession(checkpoint.Length);
        var logits = new List<float[]>();
        session.Score(checkpoint.Ids.AsSpan(row * checkpoint.Length, checkpoint.Length), 0, (_, values) => logits.Add(values.ToArray()), Cancellation);
        return logits;
    }

    private static DecoderModel Bind(GgufDescription description) =>
        ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors));

    private static DecoderModel Back(DecoderModel file, TensorFormat? format = null)
    {
        HuggingFaceDescription folder = HuggingFaceExport.Describe(file, format);
        return ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(folder.Config, folder.Tensors));
    }
}
