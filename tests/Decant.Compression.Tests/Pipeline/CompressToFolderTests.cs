using Decant.Compression.Calibration;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Compression.Verification;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Evaluation;
using Decant.Testing;

namespace Decant.Compression.Tests.Pipeline;

/// <summary>Models of every kind rounded into a Hugging Face folder: whether GGUF has a place for them or not.</summary>
public sealed class CompressToFolderTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    public static TheoryData<string> Fixtures =>
        [.. SharedFiles.Folders("fixtures", "architectures").Where(name => SharedFiles.Find("fixtures", "architectures", name, "config.json") is { } config && IsKnown(config))];

    private static bool IsKnown(string config)
    {
        try
        {
            using IModelSource source = ModelSources.Open(Path.GetDirectoryName(config)!);
            ArchitectureRegistry.Bind(source);
            return true;
        }
        catch (NotSupportedModelException)
        {
            return false;
        }
    }

    private static CompressionPlan Plan(IModelSource source, string type, OutputContainer container) =>
        CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type), Container = container });

    [Theory]
    [MemberData(nameof(Fixtures))]
    public void A_folder_holds_every_tensor_and_what_a_gguf_file_would_hold_of_it(string fixture)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", fixture));
        Model model = ArchitectureRegistry.Bind(source);
        CompressionPlan plan = Plan(source, "Q8_0", OutputContainer.HuggingFace);
        Assert.DoesNotContain(plan.Notices, notice => notice.Contains("llama.cpp", StringComparison.Ordinal));
        CompressResult result = CompressJob.Run(
            plan, new CompressOptions { OutputPath = folder["out"], QualityProbe = new QualityProbe() }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Verification!.Passed);
        Assert.Contains(plan.Tensors, choice => !choice.IsCopy);

        using IModelSource written = ModelSources.Open(folder["out"]);
        Model rounded = ArchitectureRegistry.Bind(written);
        Assert.Equal(model.Tensors.Keys.ToHashSet(), rounded.Tensors.Keys.ToHashSet());
        Assert.Equal(model.Spec, rounded.Spec);
        if (ArchitectureRegistry.FindByName(model.ArchitectureName)!.GgufName is null || FindPlan(source) is not { } file)
            return;

        Dictionary<string, TensorChoice> chosen = plan.Tensors.ToDictionary(choice => choice.Source.Name, StringComparer.Ordinal);
        Assert.All(file.Tensors.Where(choice => !choice.IsCopy && chosen.ContainsKey(choice.Source.Name)), choice =>
            Assert.Equal((choice.Target, choice.Reason), (chosen[choice.Source.Name].Target, chosen[choice.Source.Name].Reason)));
        CompressJob.Run(file, new CompressOptions { OutputPath = folder["out.gguf"], Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource gguf = ModelSources.Open(folder["out.gguf"]);
        ConvertJob.Run(gguf, new ConvertOptions { OutputPath = folder["through"], Container = OutputContainer.HuggingFace, Format = TensorFormats.F32 }, cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource through = ModelSources.Open(folder["through"]);
        Model other = ArchitectureRegistry.Bind(through);
        int compared = 0;
        foreach ((GgufTensor tensor, TensorChoice choice) in GgufTensor.ListOf(model).Zip(plan.Tensors))
        {
            foreach (TensorId id in choice.IsCopy ? [] : tensor.Parts)
            {
                // Files hold ternary weights where folders hold those they are rounded from.
                if (other.Find(id) is not { } same || (id.Layer is not null && model.Spec is DecoderSpec { Layers: [{ Projections: ProjectionKind.Ternary }, ..] }))
                    continue;
                Assert.Equal(Stored(rounded.Get(id).Info, Read(same)), Read(rounded.Get(id)));
                compared++;
            }
        }
        Assert.True(compared > 0);
    }

    [Fact]
    public void Types_are_chosen_for_tensors_that_only_the_folder_has()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "bert"));
        CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest
        {
            Type = FileTypes.Get("Q8_0"),
            Container = OutputContainer.HuggingFace,
            Overrides = [TypeOverride.Parse("predictions.transform=F16")],
        });
        TensorChoice head = plan.Tensors.Single(choice => choice.Reason == ChoiceReason.Override);
        Assert.Equal("cls.predictions.transform.dense.weight", head.Source.Name);
        Assert.Equal("F16", head.Target.Name);
    }

    [Fact]
    public void Values_of_an_importance_matrix_weigh_each_expert()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "mixtral"));
        CompressionPlan plain = Plan(source, "Q4_0", OutputContainer.Gguf);
        ImportanceMatrix importance = Importance(plain);
        var request = new CompressionRequest { Type = FileTypes.Get("Q4_0"), Importance = importance };
        CompressJob.Run(CompressionPlan.Create(source, request), new CompressOptions { OutputPath = folder["out.gguf"], Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
        CompressJob.Run(
            CompressionPlan.Create(source, request with { Container = OutputContainer.HuggingFace }), new CompressOptions { OutputPath = folder["out"], Verify = false },
            cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource gguf = ModelSources.Open(folder["out.gguf"]);
        using IModelSource written = ModelSources.Open(folder["out"]);
        Model file = ArchitectureRegistry.Bind(gguf), model = ArchitectureRegistry.Bind(written);
        foreach (int expert in (int[])[0, 1, 2])
        {
            var id = new TensorId(TensorRole.Up, 0, expert);
            Assert.True(file.Get(id).Info.Format.UsesImportance);
            Assert.Equal(Stored(model.Get(id).Info, Read(file.Get(id))), Read(model.Get(id)));
        }
    }

    /// <summary>Types that a folder has are stored as asked, beside those of rounded blocks.</summary>
    [Theory]
    [InlineData("F32", "attn_q=F16", "F16", "F32")]
    [InlineData("BF16", "ffn_down=F32", "F32", "BF16")]
    [InlineData("Q8_0", "attn_output|ffn_down=F16", "F16", "F32")]
    public void Each_matrix_is_stored_as_asked(string type, string over, string expected, string others)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest
        {
            Type = FileTypes.Get(type),
            Container = OutputContainer.HuggingFace,
            Overrides = [TypeOverride.Parse(over)],
        });
        CompressResult result = CompressJob.Run(plan, new CompressOptions { OutputPath = folder["out"], QualityProbe = new QualityProbe() }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Verification!.Passed);
        using IModelSource written = ModelSources.Open(folder["out"]);
        string[] patterns = over.Split('=')[0] switch { "attn_q" => ["q_proj"], "ffn_down" => ["down_proj"], _ => ["o_proj", "down_proj"] };
        Assert.All(written.Tensors.Where(tensor => tensor.Info.Shape.Rank == 2), tensor =>
            Assert.Equal(patterns.Any(pattern => tensor.Info.Name.Contains(pattern, StringComparison.Ordinal)) ? expected : others, tensor.Info.Format.Name));
        Assert.Equal(8.0 * written.Tensors.Sum(tensor => tensor.Info.ByteCount) / plan.WeightCount, plan.BitsPerWeight, 1e-9);
    }

    /// <summary>Vectors are nobody's to round, also where every matrix falls back to half precision.</summary>
    [Fact]
    public void Vectors_keep_their_type()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "llama"));
        CompressJob.Run(Plan(source, "Q4_0", OutputContainer.HuggingFace), new CompressOptions { OutputPath = folder["out"] }, cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource written = ModelSources.Open(folder["out"]);
        Assert.All(written.Tensors, tensor => Assert.Equal(source.FindTensor(tensor.Info.Name)!.Info.Shape.Rank == 1 ? "F32" : "F16", tensor.Info.Format.Name));
    }

    /// <summary>What was rounded says so itself: the folder can be checked against its source where the report is not beside it.</summary>
    [Fact]
    public void A_rounded_folder_verifies_without_its_report()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        CompressJob.Run(Plan(source, "Q5_0", OutputContainer.HuggingFace), new CompressOptions { OutputPath = folder["out"], Verify = false }, cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource written = ModelSources.Open(folder["out"]);
        VerifyReport report = VerifyJob.Run(new VerifyRequest { Reference = source, Candidate = written, CandidateName = "out" }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.All(report.Checks, check => Assert.True(check.Passed, check.Detail));
    }

    [Fact]
    public void A_cancelled_compression_goes_on_where_it_stopped_and_ends_with_the_same_bytes()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "hf"));
        CompressionPlan plan = Plan(source, "Q4_0", OutputContainer.HuggingFace);
        var options = new CompressOptions { OutputPath = folder["out"], Verify = false, ThreadCount = 1 };
        CompressJob.Run(plan, options with { OutputPath = folder["whole"] }, cancellationToken: TestContext.Current.CancellationToken);
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(() => CompressJob.Run(plan, options, ProgressCallback.CancelWhenEncoding(stop), cancellationToken: stop.Token));
        Assert.Equal([".out.partial", ".out.partial.journal", "whole", "whole.report.json"], folder.Names);
        CompressResult result = CompressJob.Run(Plan(source, "Q4_0", OutputContainer.HuggingFace), options, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.ResumedTensorCount > 0);
        foreach (string path in Directory.GetFiles(folder["whole"]))
            Assert.Equal(File.ReadAllBytes(path), File.ReadAllBytes(Path.Combine(folder["out"], Path.GetFileName(path))));
    }

    [Fact]
    public void Half_precision_stays_half_precision()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "mistral-f16"));
        CompressJob.Run(Plan(source, "Q8_0", OutputContainer.HuggingFace), new CompressOptions { OutputPath = folder["out"] }, cancellationToken: TestContext.Current.CancellationToken);
        using IModelSource written = ModelSources.Open(folder["out"]);
        Assert.All(written.Tensors, tensor => Assert.Equal("F16", tensor.Info.Format.Name));
        Assert.Equal("float16", (string?)written.HuggingFace!.Config["dtype"] ?? (string?)written.HuggingFace.Config["torch_dtype"]);
    }

    private static ImportanceMatrix Importance(CompressionPlan plan)
    {
        var random = new Random(3);
        return new("made.gguf",
            [
                .. plan.Tensors.Where(choice => !choice.IsCopy).Select(choice =>
                {
                    int columns = (int)choice.Source.Shape.RowLength, matrices = choice.Source.Shape.Rank > 2 ? (int)choice.Source.Shape[0] : 1;
                    return new ImportanceEntry(
                        choice.Source.Name, columns, [.. Enumerable.Range(0, columns * matrices).Select(_ => random.NextSingle() * 10)], [.. Enumerable.Repeat(1f, matrices)]);
                }),
            ],
            ["made"], 1, 512);
    }

    /// <summary>The plan of a GGUF file, or null where GGUF cannot hold this model.</summary>
    private static CompressionPlan? FindPlan(IModelSource source)
    {
        try
        {
            return Plan(source, "Q8_0", OutputContainer.Gguf);
        }
        catch (NotSupportedModelException)
        {
            return null;
        }
    }

    /// <summary>Values as a tensor's plain format holds them.</summary>
    private static float[] Stored(TensorInfo info, float[] values)
    {
        byte[] bytes = new byte[info.ByteCount];
        info.Format.EncodeRow(values, default, bytes);
        info.Format.DecodeRow(bytes, values);
        return values;
    }

    private static float[] Read(TensorData tensor)
    {
        float[] values = new float[tensor.Info.Shape.ElementCount];
        tensor.ReadRows(0, checked((int)tensor.Info.Shape.RowCount), values);
        return values;
    }
}
