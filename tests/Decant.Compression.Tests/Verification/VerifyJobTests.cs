using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Compression.Verification;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Evaluation;
using Decant.Testing;

namespace Decant.Compression.Tests.Verification;

public sealed class VerifyJobTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public void Dispose() => folder.Dispose();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string Stories => SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf");

    private string Compress(string type)
    {
        string output = folder[$"{type}.gguf"];
        using IModelSource source = ModelSources.Open(Stories);
        CompressJob.Run(
            CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get(type) }), new CompressOptions { OutputPath = output, Verify = false }, cancellationToken: Token);
        return output;
    }

    /// <summary>A copy of a file with tensors and keys changed.</summary>
    private string Change(string path, Func<TensorData, TensorData?>? tensors = null, Action<GgufMetadata>? metadata = null)
    {
        string changed = folder["changed.gguf"];
        using IModelSource source = ModelSources.Open(path);
        GgufMetadata keys = source.Gguf!.Copy();
        metadata?.Invoke(keys);
        TestModels.WriteGguf(changed, keys, [.. source.Tensors.Select(t => tensors is null ? t : tensors(t)).OfType<TensorData>()]);
        return changed;
    }

    private static VerifyReport Verify(string path, bool compareWeights = true, double? maximumDivergence = null, string? reference = null)
    {
        using IModelSource source = ModelSources.Open(reference ?? Stories);
        using IModelSource candidate = ModelSources.Open(path);
        return VerifyJob.Run(
            new VerifyRequest
            {
                Reference = source,
                Candidate = candidate,
                CandidateName = "output",
                CompareWeights = compareWeights,
                MaximumDivergence = maximumDivergence,
                QualityProbe = new QualityProbe(),
            },
            cancellationToken: Token);
    }

    private static byte[] Bytes(TensorData tensor)
    {
        byte[] bytes = new byte[tensor.Info.ByteCount];
        tensor.CopyRows(0, (int)tensor.Info.Shape.RowCount, bytes);
        return bytes;
    }

    private static void AssertFails(VerifyReport report, string check, string detail)
    {
        VerifyCheck failed = Assert.Single(report.Checks, c => c.Name == check);
        Assert.False(failed.Passed, failed.Detail);
        Assert.Contains(detail, failed.Detail, StringComparison.Ordinal);
        Assert.Contains("output", Assert.Throws<LimitNotMetException>(report.ThrowIfFailed).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Q4_0")]
    [InlineData("Q8_0")]
    [InlineData("Q2_K")]
    [InlineData("TQ2_0")]
    [InlineData("BF16")]
    [InlineData("F32")]
    public void An_honest_file_passes(string type)
    {
        VerifyReport report = Verify(Compress(type));
        Assert.True(report.Passed, string.Join("; ", report.Checks.Where(c => !c.Passed)));
        Assert.Equal(["tensors", "metadata", "tokenizer", "values", "logits"], report.Checks.Select(c => c.Name));
        Assert.InRange(report.Quality!.Candidate.TokenCount, 500, 512);
        Assert.Contains("Wind in the Willows", report.QualityText, StringComparison.Ordinal);
    }

    [Fact]
    public void A_stated_limit_that_is_not_met_fails() =>
        AssertFails(Verify(Compress("Q4_0"), maximumDivergence: 1e-6), "logits", "--max-kld");

    [Fact]
    public void A_missing_tensor_is_named() =>
        AssertFails(Verify(Change(Compress("Q8_0"), t => t.Info.Name == "blk.2.attn_k.weight" ? null : t)), "tensors", "blk.2.attn_k.weight is missing");

    [Fact]
    public void A_tensor_of_another_shape_is_named() =>
        AssertFails(
            Verify(Change(Compress("Q8_0"), t => t.Info.Name == "blk.2.attn_k.weight" ? new MemoryTensor(t.Info with { Shape = new TensorShape(16, 128) }, Bytes(t)) : t)),
            "tensors", "expected shape [32, 64], got [16, 128]");

    [Fact]
    public void Swapped_tensors_are_found()
    {
        string output = Compress("Q8_0");
        using IModelSource source = ModelSources.Open(output);
        VerifyReport report = Verify(Change(output, t => t.Info.Name switch
        {
            "blk.1.ffn_gate.weight" => new MemoryTensor(t.Info, Bytes(source.FindTensor("blk.1.ffn_up.weight")!)),
            "blk.1.ffn_up.weight" => new MemoryTensor(t.Info, Bytes(source.FindTensor("blk.1.ffn_gate.weight")!)),
            _ => t,
        }));
        AssertFails(report, "values", "blk.1.ffn_gate.weight");
    }

    [Fact]
    public void Scrambled_codes_are_found()
    {
        VerifyReport report = Verify(Change(Compress("Q4_0"), t =>
        {
            if (t.Info.Name != "blk.0.attn_v.weight")
                return t;
            byte[] bytes = Bytes(t);
            for (int i = 0; i < bytes.Length; i++)
            {
                // Nibbles of a Q4_0 block change places; its scale stays.
                if (i % 18 >= 2)
                    bytes[i] = (byte)(bytes[i] << 4 | bytes[i] >> 4);
            }
            return new MemoryTensor(t.Info, bytes);
        }));
        AssertFails(report, "values", "blk.0.attn_v.weight");
    }

    [Fact]
    public void Rows_in_the_order_of_another_rotary_layout_are_found_by_weights_and_by_predictions()
    {
        string changed = Change(Compress("Q8_0"), t =>
        {
            if (!t.Info.Name.Contains("attn_q", StringComparison.Ordinal) && !t.Info.Name.Contains("attn_k", StringComparison.Ordinal))
                return t;
            byte[] before = Bytes(t);
            byte[] after = new byte[before.Length];
            int rowByteCount = (int)t.Info.RowByteCount;
            for (int row = 0; row < t.Info.Shape.RowCount; row++)
            {
                // Heads of 8: pairs (2j, 2j + 1) become (j, j + 4), the order Hugging Face stores.
                int head = row / 8, place = row % 8;
                int target = head * 8 + (place % 2 == 0 ? place / 2 : 4 + place / 2);
                before.AsSpan(row * rowByteCount, rowByteCount).CopyTo(after.AsSpan(target * rowByteCount));
            }
            return new MemoryTensor(t.Info, after);
        });
        AssertFails(Verify(changed), "values", "this is not the same tensor");
        AssertFails(Verify(changed, compareWeights: false, maximumDivergence: 2), "logits", "nats");
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    public void A_value_that_is_not_finite_is_named(float value)
    {
        VerifyReport report = Verify(
            Change(Compress("F32"), t =>
            {
                if (t.Info.Name != "blk.3.ffn_down.weight")
                    return t;
                byte[] bytes = Bytes(t);
                BitConverter.GetBytes(value).CopyTo(bytes, (5 * 172 + 7) * 4);
                return new MemoryTensor(t.Info, bytes);
            }),
            compareWeights: false);
        AssertFails(report, "values", "blk.3.ffn_down.weight, row 5, column 7");
    }

    [Fact]
    public void A_copied_tensor_with_another_byte_is_found() =>
        AssertFails(
            Verify(Change(Compress("Q8_0"), t =>
            {
                if (t.Info.Name != "output_norm.weight")
                    return t;
                byte[] bytes = Bytes(t);
                bytes[12] ^= 1;
                return new MemoryTensor(t.Info, bytes);
            })),
            "values", "output_norm.weight");

    [Fact]
    public void Changed_metadata_is_named() =>
        AssertFails(
            Verify(Change(Compress("Q8_0"), metadata: m => m.Set("llama.rope.freq_base", GgufValue.From(20000f)))),
            "metadata", "llama.rope.freq_base: expected 10000, got 20000");

    [Fact]
    public void Missing_and_added_metadata_are_named()
    {
        string output = Compress("Q8_0");
        AssertFails(Verify(Change(output, metadata: m => m.Remove("tokenizer.ggml.scores"))), "metadata", "tokenizer.ggml.scores is missing");
        File.Delete(folder["changed.gguf"]);
        AssertFails(Verify(Change(output, metadata: m => m.Set("decant.extra", GgufValue.From("x")))), "metadata", "decant.extra is not in the source");
    }

    [Fact]
    public void A_changed_vocabulary_is_found() =>
        AssertFails(
            Verify(Change(Compress("Q8_0"), metadata: m =>
            {
                string[] tokens = [.. m.FindStrings("tokenizer.ggml.tokens")!];
                (tokens[300], tokens[301]) = (tokens[301], tokens[300]);
                m.Set("tokenizer.ggml.tokens", GgufValue.From(tokens));
            })),
            "tokenizer", "vocabularies differ");

    [Fact]
    public void Files_of_llama_cpp_pass_too()
    {
        string output = folder["peer.gguf"];
        Peer.Run(["quantize", Stories, output, "Q4_K_M", "2"]);
        VerifyReport report = Verify(output);
        Assert.True(report.Passed, string.Join("; ", report.Checks.Where(c => !c.Passed)));
    }

    [Fact]
    public void A_model_without_tokenizer_is_run_on_fixed_ids()
    {
        string stripped = Change(Stories, metadata: m =>
        {
            foreach (string key in m.Entries.Select(e => e.Key).Where(k => k.StartsWith("tokenizer.", StringComparison.Ordinal)).ToArray())
                m.Remove(key);
            m.Set("tokenizer.ggml.model", GgufValue.From("none"));
        });
        string output = folder["out.gguf"];
        using (IModelSource source = ModelSources.Open(stripped))
        {
            CompressJob.Run(
                CompressionPlan.Create(source, new CompressionRequest { Type = FileTypes.Get("Q8_0") }), new CompressOptions { OutputPath = output, Verify = false }, cancellationToken: Token);
        }
        VerifyReport report = Verify(output, reference: stripped);
        Assert.True(report.Passed, string.Join("; ", report.Checks.Where(c => !c.Passed)));
        Assert.Contains("pseudo-random ids", report.QualityText, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Category", "Slow")]
    public void A_plain_Q4_0_of_the_hard_teacher_passes()
    {
        string model = SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf");
        using IModelSource source = ModelSources.Open(model);
        CompressionPlan plan = CompressionPlan.Create(
            source, new CompressionRequest { Type = FileTypes.Get("Q4_0"), Overrides = [new TypeOverride("token_embd", TensorFormats.FindByName("Q4_0")!)] });
        CompressResult result = CompressJob.Run(plan, new CompressOptions { OutputPath = folder["out.gguf"], QualityProbe = new QualityProbe() }, cancellationToken: Token);
        Assert.True(result.Verification!.Passed);
        Assert.InRange(result.Verification.Quality!.Divergence.Mean, 0.1, 1.5);
    }
}
