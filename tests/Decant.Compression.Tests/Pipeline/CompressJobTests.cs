using Decant.Testing;
using System.Text.Json;
using Decant.Compression.Calibration;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;
using Decant.Core.Tensors;

namespace Decant.Compression.Tests.Pipeline;

public sealed class CompressJobTests : IDisposable
{
    private readonly TemporaryFolder folder = new();
    private readonly string input;
    private readonly string output;

    public CompressJobTests()
    {
        input = folder["in.gguf"];
        output = folder["out.gguf"];
    }

    public void Dispose() => folder.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private void WriteInput(Action<string, float[]>? change = null)
    {
        var random = new Random(1);
        string[] names = ["token_embd", "blk.0.attn_q", "blk.0.attn_v", "blk.0.ffn_down", "blk.1.attn_q", "blk.1.attn_v", "blk.1.ffn_down"];
        List<TensorData> tensors = [];
        foreach (string name in names)
        {
            float[] values = new float[96 * 256];
            for (int i = 0; i < values.Length; i++)
                values[i] = random.NextSingle() - 0.5f;
            change?.Invoke(name, values);
            tensors.Add(MemoryTensor.FromValues(name + ".weight", new TensorShape(96, 256), values));
        }
        tensors.Add(MemoryTensor.FromValues("output_norm.weight", new TensorShape(256), [.. Enumerable.Repeat(1f, 256)]));
        TestModels.WriteGguf(input, TestModels.LlamaMetadata(2, 256, 4, 2, 256), tensors);
    }

    private CompressResult Compress(string type, CompressOptions? options = null, IProgress<WorkProgress>? progress = null, Action<string>? onNotice = null, CancellationToken? token = null)
    {
        using IModelSource source = ModelSources.Open(input);
        CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type) });
        return CompressJob.Run(plan, options ?? new CompressOptions { OutputPath = output, Command = "test" }, progress, onNotice, token ?? Token);
    }

    [Fact]
    public void The_output_holds_every_tensor_in_its_planned_type_and_reads_back()
    {
        WriteInput();
        CompressResult result = Compress("Q4_K_M");
        Assert.Equal(new FileInfo(output).Length, result.OutputByteCount);
        using IModelSource read = ModelSources.Open(output);
        Assert.Equal(["Q6_K", "Q4_K", "Q4_K", "Q4_K", "Q4_K", "Q6_K", "Q6_K", "F32"], read.Tensors.Select(t => t.Info.Format.Name));
        Assert.Equal(15, read.Gguf!.GetInteger("general.file_type"));
        Assert.Equal(2, read.Gguf!.GetInteger("general.quantization_version"));
        Assert.Equal(["in.gguf", "out.gguf", "out.gguf.report.json"], folder.Names);
        Assert.True(result.Verification!.Passed);
    }

    [Fact]
    public void The_bytes_do_not_depend_on_the_number_of_threads()
    {
        WriteInput();
        Compress("Q5_K_M", new CompressOptions { OutputPath = folder["one.gguf"], ThreadCount = 1 });
        Compress("Q5_K_M", new CompressOptions { OutputPath = folder["five.gguf"], ThreadCount = 5 });
        Assert.Equal(File.ReadAllBytes(folder["one.gguf"]), File.ReadAllBytes(folder["five.gguf"]));
    }

    [Fact]
    public void The_report_says_what_went_in_and_what_came_out()
    {
        WriteInput();
        CompressResult result = Compress("Q4_0");
        using JsonDocument report = JsonDocument.Parse(File.ReadAllText(result.ReportPath));
        JsonElement root = report.RootElement;
        Assert.Equal("Q4_0", root.GetProperty("type").GetString());
        Assert.Equal("test", root.GetProperty("command").GetString());
        Assert.Equal(new FileInfo(output).Length, root.GetProperty("planned").GetProperty("bytes").GetInt64());
        Assert.Equal(new FileInfo(output).Length, root.GetProperty("actual").GetProperty("bytes").GetInt64());
        string hash = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(File.ReadAllBytes(input)));
        Assert.Equal(hash, root.GetProperty("source").GetProperty("files")[0].GetProperty("sha256").GetString());
        Assert.Equal(8, root.GetProperty("tensors").GetArrayLength());
        Assert.True(root.GetProperty("verify").GetProperty("passed").GetBoolean());
    }

    [Fact]
    public void An_output_that_changed_since_is_not_called_done()
    {
        WriteInput();
        Compress("Q4_0");
        byte[] intact = File.ReadAllBytes(output);
        byte[] damaged = [.. intact];
        damaged[^1] ^= 1;
        File.WriteAllBytes(output, damaged);
        Assert.Contains("--force", Assert.Throws<UsageException>(() => Compress("Q4_0")).Message, StringComparison.Ordinal);
        CompressResult repaired = Compress("Q4_0", new CompressOptions { OutputPath = output, Overwrite = true });
        Assert.False(repaired.AlreadyDone);
        Assert.Contains(repaired.Notices, n => n.Contains("SHA-256", StringComparison.Ordinal));
        Assert.Equal(intact, File.ReadAllBytes(output));
    }

    [Fact]
    public void The_same_job_is_not_done_twice_and_another_needs_force()
    {
        WriteInput();
        Compress("Q4_0");
        DateTime written = File.GetLastWriteTimeUtc(output);
        Assert.True(Compress("Q4_0").AlreadyDone);
        Assert.Equal(written, File.GetLastWriteTimeUtc(output));
        Assert.Contains("--force", Assert.Throws<UsageException>(() => Compress("Q8_0")).Message, StringComparison.Ordinal);
        Assert.False(Compress("Q8_0", new CompressOptions { OutputPath = output, Overwrite = true }).AlreadyDone);
        Assert.False(Compress("Q8_0", new CompressOptions { OutputPath = output, Overwrite = true, Restart = true }).AlreadyDone);
    }

    [Fact]
    public void The_source_cannot_be_the_output()
    {
        WriteInput();
        byte[] before = File.ReadAllBytes(input);
        Assert.Throws<UsageException>(() => Compress("Q4_0", new CompressOptions { OutputPath = input, Overwrite = true }));
        Assert.Equal(before, File.ReadAllBytes(input));
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void A_weight_that_is_not_finite_is_named_and_nothing_is_left(float bad)
    {
        WriteInput((name, values) => values[70 * 256 + 3] = name == "blk.1.attn_q" ? bad : values[70 * 256 + 3]);
        var error = Assert.Throws<NumericalException>(() => Compress("Q4_0"));
        Assert.Contains("blk.1.attn_q.weight, row 70, column 3", error.Message, StringComparison.Ordinal);
        Assert.Equal(["in.gguf"], folder.Names);
    }

    [Fact]
    public void A_scale_that_overflows_is_named_with_a_way_out()
    {
        WriteInput((name, values) =>
        {
            for (int i = 0; name == "blk.0.ffn_down" && i < 256; i++)
                values[33 * 256 + i] = i % 2 == 0 ? 1e7f : -3e6f;
        });
        var error = Assert.Throws<NumericalException>(() => Compress("Q4_0"));
        Assert.Contains("blk.0.ffn_down.weight, row 33", error.Message, StringComparison.Ordinal);
        Assert.Contains("BF16", error.Message, StringComparison.Ordinal);
        Assert.Equal(["in.gguf"], folder.Names);
    }

    [Fact]
    public void A_cancelled_job_goes_on_where_it_stopped_and_ends_with_the_same_bytes()
    {
        WriteInput();
        Compress("Q3_K_M", new CompressOptions { OutputPath = folder["whole.gguf"] });
        CancelAfterFirst("Q3_K_M");
        Assert.Equal([".out.gguf.partial", ".out.gguf.partial.journal", "in.gguf", "whole.gguf", "whole.gguf.report.json"], folder.Names);

        List<string> notices = [];
        CompressResult result = Compress("Q3_K_M", onNotice: notices.Add);
        Assert.Equal(1, result.ResumedTensorCount);
        Assert.Contains(notices, n => n.Contains("going on from an interrupted run", StringComparison.Ordinal));
        Assert.Equal(File.ReadAllBytes(folder["whole.gguf"]), File.ReadAllBytes(output));
        Assert.Equal(["in.gguf", "out.gguf", "out.gguf.report.json", "whole.gguf", "whole.gguf.report.json"], folder.Names);
    }

    [Fact]
    public void Finished_tensors_whose_bytes_are_lost_are_made_again()
    {
        WriteInput();
        Compress("Q8_0", new CompressOptions { OutputPath = folder["whole.gguf"] });
        CancelAfterFirst("Q8_0");
        using (FileStream partial = File.OpenWrite(folder[".out.gguf.partial"]))
            partial.Write(new byte[partial.Length]);
        CompressResult result = Compress("Q8_0");
        Assert.Equal(0, result.ResumedTensorCount);
        Assert.Equal(File.ReadAllBytes(folder["whole.gguf"]), File.ReadAllBytes(output));
    }

    [Theory]
    [InlineData("type", "another job")]
    [InlineData("source", "another job")]
    [InlineData("version", "another version")]
    [InlineData("restart", "as asked")]
    public void Work_of_another_job_is_started_over_with_a_notice(string change, string notice)
    {
        WriteInput();
        CancelAfterFirst("Q8_0");
        string journal = folder[".out.gguf.partial.journal"];
        if (change == "version")
            File.WriteAllText(journal, File.ReadAllText(journal).Replace("decant-journal 1 ", "decant-journal 1 0.", StringComparison.Ordinal));
        if (change == "source")
        {
            File.Delete(input);
            WriteInput((_, values) => values[5] = 0.25f);
        }
        List<string> notices = [];
        CompressResult result = Compress(
            change == "type" ? "Q5_1" : "Q8_0", new CompressOptions { OutputPath = output, Restart = change == "restart" }, onNotice: notices.Add);
        Assert.Equal(0, result.ResumedTensorCount);
        Assert.Contains(notices, n => n.Contains(notice, StringComparison.Ordinal));
        Assert.True(result.Verification!.Passed);
    }

    [Fact]
    public void A_journal_that_is_a_link_is_not_followed()
    {
        WriteInput();
        string victim = folder.Write("victim", "mine");
        File.CreateSymbolicLink(folder[".out.gguf.partial.journal"], victim);
        Assert.Contains("link", Assert.Throws<BadFileException>(() => Compress("Q8_0")).Message, StringComparison.Ordinal);
        Assert.Equal("mine", File.ReadAllText(victim));
    }

    [Fact]
    public void A_damaged_journal_is_called_so()
    {
        WriteInput();
        CancelAfterFirst("Q8_0");
        File.WriteAllText(folder[".out.gguf.partial.journal"], "nonsense\n");
        var notices = new List<string>();
        Assert.Equal(0, Compress("Q8_0", new CompressOptions { OutputPath = output }, onNotice: notices.Add).ResumedTensorCount);
        Assert.Contains(notices, notice => notice.Contains("damaged", StringComparison.Ordinal));
    }

    [Fact]
    public void Two_jobs_on_one_output_do_not_meet()
    {
        WriteInput();
        var error = Assert.Throws<UsageException>(() =>
        {
            using ConversionJournal journal = ConversionJournal.Open(ResumableOutput.PartialPath(output), output, "1", "x", false);
            Compress("Q8_0");
        });
        Assert.Contains("another process", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Importance_of_another_model_is_refused_before_anything_is_written()
    {
        WriteInput();
        var importance = new ImportanceMatrix("wrong.gguf", [new ImportanceEntry("blk.0.attn_q.weight", 128, new float[128], [1])], [], 1, 512);
        using IModelSource source = ModelSources.Open(input);
        var error = Assert.Throws<BadFileException>(() => CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get("Q4_K_S"), Importance = importance }));
        Assert.Contains("blk.0.attn_q.weight", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_folder_output_holds_the_rounded_weights_as_plain_numbers()
    {
        string input = Decant.Testing.SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");
        using IModelSource source = ModelSources.Open(input);
        CompressionPlan plan = CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get("Q4_0"), Container = OutputContainer.HuggingFace });
        var options = new CompressOptions { OutputPath = folder["folder"], QualityProbe = new Decant.Evaluation.QualityProbe() };
        CompressResult result = CompressJob.Run(plan, options, cancellationToken: Token);
        Assert.Contains(result.Notices, n => n.Contains("holds no ggml blocks", StringComparison.Ordinal));
        Assert.True(result.Verification!.Passed);
        Assert.InRange(result.Verification.Quality!.Divergence.Mean, 1e-3, 1);
        Assert.Equal(["folder", "folder.report.json"], folder.Names);
        Assert.Equal(plan.OutputByteCount, new FileInfo(Path.Combine(folder["folder"], "model.safetensors")).Length);
        Assert.True(CompressJob.Run(plan, options, cancellationToken: Token).AlreadyDone);

        using IModelSource read = ModelSources.Open(folder["folder"]);
        TensorData dense = read.FindTensor("model.layers.0.self_attn.v_proj.weight")!;
        TensorData stored = source.FindTensor("blk.0.attn_v.weight")!;
        float[] row = new float[64];
        byte[] block = new byte[36];
        stored.ReadRows(3, 1, row);
        Decant.Core.Formats.TensorFormats.Q4_0.EncodeRow(row, default, block);
        Decant.Core.Formats.TensorFormats.Q4_0.DecodeRow(block, row);
        float[] got = new float[64];
        dense.ReadRows(3, 1, got);
        Assert.Equal(row, got);
    }

    [Fact]
    public void Progress_ends_at_the_total_with_time_left_in_between()
    {
        WriteInput();
        var seen = new List<WorkProgress>();
        Compress("Q4_0", progress: new ProgressCallback(seen.Add));
        WorkProgress[] encode = [.. seen.Where(p => p.Stage == "encode")];
        Assert.NotEmpty(encode);
        Assert.Equal(encode[^1].Total, encode[^1].Done);
        Assert.True(encode[0].TimeLeft >= TimeSpan.Zero);
        Assert.Contains(seen, p => p.Stage == "hash");
        Assert.Contains(seen, p => p.Stage == "verify weights");
    }

    /// <summary>Cancels a job when its first tensor, a single chunk, is finished.</summary>
    private void CancelAfterFirst(string type)
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsAny<OperationCanceledException>(
            () => Compress(type, new CompressOptions { OutputPath = output, ThreadCount = 1 }, ProgressCallback.CancelWhenEncoding(stop), token: stop.Token));
    }
}
