using Decant.Compression.Verification;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>
/// Times the parts of verification: comparing weights of two formats, and running small made-up decoders whose matrices are all of one format
/// through the probe that will be used. Weights are zeros; the arithmetic takes as long with any.
/// </summary>
internal sealed class VerifyTrial(TrialClock clock, int threadCount, CancellationToken cancellationToken)
{
    private const int ElementCount = 1 << 21;
    private const int SmallVocabulary = 256;
    private const int LargeVocabulary = 2304;

    /// <summary>Wider models are tried at this width: rows long enough for the kernels to run at speed, few enough to be made in no time.</summary>
    private const int MaximumHiddenSize = 1024;

    private readonly Dictionary<(TensorFormat, TensorFormat), double> compareSeconds = [];
    private readonly Dictionary<TensorFormat, RunCost> runCosts = [];

    /// <summary>Processor seconds per weight and token inside the blocks, and per token of the vocabulary and token of text at the trial's width.</summary>
    private readonly record struct RunCost(double PerWeightAndToken, double PerLogit);

    /// <summary>Processor seconds per element of comparing a tensor with its rounded version.</summary>
    public double CompareSecondsPerElement(TensorFormat source, TensorFormat target)
    {
        if (!compareSeconds.TryGetValue((source, target), out double seconds))
            compareSeconds.Add((source, target), seconds = Compare(source, target));
        return seconds;
    }

    /// <summary>Processor seconds for running one model over the windows, its share of the comparison included.</summary>
    /// <param name="probe">The probe.</param>
    /// <param name="model">The model.</param>
    /// <param name="matrices">Its matrices with the formats they have in the version that is run; the head or tied embedding last.</param>
    public double RunSeconds(IQualityProbe probe, DecoderModel model, IReadOnlyList<(TensorFormat Format, long ElementCount)> matrices)
    {
        (int count, int length) = QualityWindows.Sizes(model);
        double tokens = (double)count * length;
        int hidden = TrialWidth(model);
        double seconds = 0;
        foreach ((TensorFormat format, long elementCount) in matrices.SkipLast(1))
            seconds += elementCount * tokens * Cost(probe, format, hidden, length).PerWeightAndToken;
        double widthRatio = (double)model.Spec.HiddenSize / hidden;
        return seconds + model.Spec.VocabularySize * tokens * widthRatio * Cost(probe, matrices[^1].Format, hidden, length).PerLogit;
    }

    private static int TrialWidth(DecoderModel model) => (int)Math.Clamp(model.Spec.HiddenSize / 256 * 256, 256, MaximumHiddenSize);

    private double Compare(TensorFormat source, TensorFormat target)
    {
        var shape = new TensorShape(ElementCount / 2048, 2048);
        (TensorData, TensorData)[] pairs = [(Zeros("trial", shape, source), Zeros("trial", shape, target))];
        WeightAgreement.Check(pairs, new WeightAgreementOptions(), threadCount, null, cancellationToken);
        return clock.Run(() => WeightAgreement.Check(pairs, new WeightAgreementOptions(), threadCount, null, cancellationToken)) / ElementCount;
    }

    private RunCost Cost(IQualityProbe probe, TensorFormat format, int hidden, int length)
    {
        if (runCosts.TryGetValue(format, out RunCost cost))
            return cost;
        // Code is compiled by a short first run.
        Time(probe, format, hidden, SmallVocabulary, Math.Min(length, 32));
        double small = Time(probe, format, hidden, SmallVocabulary, length);
        double large = Time(probe, format, hidden, LargeVocabulary, length);
        double perLogit = Math.Max(0, large - small) / ((double)(LargeVocabulary - SmallVocabulary) * length);
        double body = Math.Max(0, small - perLogit * SmallVocabulary * length);
        cost = new RunCost(body / (7.0 * hidden * hidden * length), perLogit);
        runCosts.Add(format, cost);
        return cost;
    }

    /// <summary>Processor seconds for one of the two models of a comparison.</summary>
    private double Time(IQualityProbe probe, TensorFormat format, int hidden, int vocabulary, int length)
    {
        using IModelSource source = MakeModel(format, hidden, vocabulary, length);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        var request = new QualityRequest
        {
            Reference = model,
            Candidate = model,
            Windows = [(int[])[.. Enumerable.Range(0, length).Select(i => i % vocabulary)]],
            ThreadCount = threadCount,
        };
        return clock.Run(() => probe.Compare(request, null, cancellationToken)) / 2;
    }

    /// <summary>A Llama of one block, 7 · hidden² weights in it.</summary>
    private static TrialSource MakeModel(TensorFormat format, int hidden, int vocabulary, int length)
    {
        const int HeadSize = 64;
        var metadata = new GgufMetadata("trial");
        metadata.Set("general.architecture", GgufValue.From("llama"));
        foreach ((string key, uint value) in (ReadOnlySpan<(string, uint)>)
        [
            ("context_length", (uint)length), ("embedding_length", (uint)hidden), ("block_count", 1), ("feed_forward_length", (uint)hidden),
            ("attention.head_count", (uint)(hidden / HeadSize)), ("attention.head_count_kv", (uint)(hidden / HeadSize)), ("rope.dimension_count", HeadSize),
            ("vocab_size", (uint)vocabulary),
        ])
        {
            metadata.Set("llama." + key, GgufValue.From(value));
        }
        metadata.Set("llama.attention.layer_norm_rms_epsilon", GgufValue.From(1e-5f));
        metadata.Set("llama.rope.freq_base", GgufValue.From(10000f));
        var square = new TensorShape(hidden, hidden);
        List<TensorData> tensors = [Zeros("token_embd.weight", new TensorShape(vocabulary, hidden), format)];
        foreach (string name in (ReadOnlySpan<string>)["attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down"])
            tensors.Add(Zeros($"blk.0.{name}.weight", square, format));
        foreach (string name in (ReadOnlySpan<string>)["blk.0.attn_norm", "blk.0.ffn_norm", "output_norm"])
            tensors.Add(Zeros($"{name}.weight", new TensorShape(hidden), TensorFormats.F32));
        return new TrialSource("trial", metadata, tensors);
    }

    private static MemoryTensor Zeros(string name, TensorShape shape, TensorFormat format)
    {
        var info = new TensorInfo(name, shape, format);
        return new MemoryTensor(info, new byte[info.ByteCount]);
    }
}
