using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Verification;
using Decant.Core.Architectures;
using Decant.Core.Devices;
using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>
/// Estimates time and memory of a plan from short trials on made-up weights; of the model only headers are read. The source's files are taken to be
/// in the system's cache: from a cold disk reading adds its own time.
/// </summary>
public static class PlanEstimator
{
    /// <summary>Code compiled and tables built while a job runs, measured on several models.</summary>
    private const long WorkingByteCount = 40_000_000;

    /// <summary>What a vocabulary entry takes in the three tokenizers that verification opens.</summary>
    private const long ByteCountPerVocabularyEntry = 900;

    /// <summary>Rows of logits under comparison.</summary>
    private const long LogitsByteCount = 64 << 20;

    /// <summary>Estimates; takes about a second.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="options">How it will be carried out.</param>
    /// <param name="cancellationToken">Stops between trials.</param>
    public static PlanEstimate Estimate(CompressionPlan plan, EstimateOptions options, CancellationToken cancellationToken = default)
    {
        int threadCount = options.ThreadCount > 0 ? options.ThreadCount : Environment.ProcessorCount;
        long memoryBefore = PrivateMemory.ReadByteCount();
        DiskTrial disk = DiskTrial.Run(options.OutputFolder ?? Path.GetTempPath());
        // Two clocks, because encoding keeps every thread busy throughout and running a model does not.
        var encodeClock = new TrialClock(threadCount);
        var verifyClock = new TrialClock(threadCount);
        var encode = new EncodeTrial(encodeClock, threadCount, cancellationToken);
        foreach (TensorChoice choice in plan.Tensors)
            encode.Expect(choice.Source, choice.Target, HasImportance(plan, choice));
        double[] seconds = new double[plan.Tensors.Count];
        for (int i = 0; i < seconds.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            seconds[i] = ProcessorSeconds(plan, plan.Tensors[i], encode, disk);
        }
        long sourceByteCount = FileFingerprint.ByteCountOf(FileFingerprint.FilesOf(plan.Source));
        DecoderModel? model = options.Verify ? TryBind(plan) : null;
        double verify = options.Verify ? VerifySeconds(plan, model, options.QualityProbe, new VerifyTrial(verifyClock, threadCount, cancellationToken), disk) : 0;
        for (int i = 0; i < seconds.Length; i++)
            seconds[i] = encodeClock.WallSeconds(seconds[i]);
        return new PlanEstimate
        {
            Hash = TimeSpan.FromSeconds(encodeClock.SingleThreadWallSeconds((sourceByteCount + plan.OutputByteCount) * disk.HashSecondsPerByte)),
            Encode = TimeSpan.FromSeconds(seconds.Sum()),
            // The system writes to the disk while the job still encodes; only what is left then has to be waited for.
            Synchronize = TimeSpan.FromSeconds(disk.SynchronizeSeconds + Math.Max(0, plan.OutputByteCount * disk.SynchronizeSecondsPerByte - seconds.Sum())),
            Verify = TimeSpan.FromSeconds(verifyClock.WallSeconds(verify)),
            PeakMemoryByteCount = memoryBefore + WorkingByteCount + EncodeMemory(plan, threadCount)
                + (model is not null && options.QualityProbe is not null ? VerifyMemory(model) : 0),
            TensorSeconds = seconds,
        };
    }

    private static bool HasImportance(CompressionPlan plan, TensorChoice choice) => plan.Request.Importance?.Has(choice.Source.Name) == true;

    private static double ProcessorSeconds(CompressionPlan plan, TensorChoice choice, EncodeTrial encode, DiskTrial disk)
    {
        TensorInfo source = choice.Source;
        // A vector or two weigh nothing, and a trial of their row length would cost more than they do.
        double arithmetic = source.Shape.Rank < 2 ? 0 : source.Shape.ElementCount * encode.SecondsPerElement(source, choice.Target, HasImportance(plan, choice));
        // Reading and writing are done by every thread for itself, between its encoding.
        return arithmetic + source.ByteCount * disk.ReadSecondsPerByte + choice.TargetByteCount * disk.WriteSecondsPerByte;
    }

    private static double VerifySeconds(CompressionPlan plan, DecoderModel? model, IQualityProbe? probe, VerifyTrial trial, DiskTrial disk)
    {
        // Both files are read once for their weights and once to be run.
        double seconds = 2 * (plan.SourceTensorByteCount + plan.TensorByteCount) * disk.ReadSecondsPerByte;
        foreach (TensorChoice choice in plan.Tensors.Where(t => t.Source.Shape.Rank >= 2))
            seconds += choice.Source.Shape.ElementCount * trial.CompareSecondsPerElement(choice.Source.Format, choice.Target);
        if (model is null || probe is null)
            return seconds;
        seconds += trial.RunSeconds(probe, model, Matrices(plan, t => t.Source.Format));
        return seconds + trial.RunSeconds(probe, model, Matrices(plan, t => t.Target));
    }

    /// <summary>The matrices of products, the head last. The embedding is a product only where it is tied to the head.</summary>
    private static List<(TensorFormat, long)> Matrices(CompressionPlan plan, Func<TensorChoice, TensorFormat> formatOf)
    {
        TensorChoice[] matrices = [.. plan.Tensors.Where(t => t.Source.Shape.Rank >= 2)];
        TensorChoice? head = matrices.FirstOrDefault(t => GgufTensorNames.Categorise(t.Source.Name) == TensorCategory.Output)
            ?? matrices.FirstOrDefault(t => GgufTensorNames.IsTokenEmbedding(t.Source.Name));
        List<(TensorFormat, long)> list =
        [
            .. matrices.Where(t => t != head && !GgufTensorNames.IsTokenEmbedding(t.Source.Name)).Select(t => (formatOf(t), t.Source.Shape.ElementCount)),
        ];
        if (head is not null)
            list.Add((formatOf(head), head.Source.Shape.ElementCount));
        return list;
    }

    private static DecoderModel? TryBind(CompressionPlan plan)
    {
        try
        {
            return ArchitectureRegistry.BindDecoder(plan.Source);
        }
        catch (NotSupportedModelException)
        {
            return null;
        }
    }

    private static long EncodeMemory(CompressionPlan plan, int threadCount)
    {
        long largest = 0;
        foreach (TensorChoice choice in plan.Tensors)
        {
            long rows = RowChunk.RowsPerChunk(choice.Source.Shape);
            long values = Math.Min(rows, 64) * choice.Source.Shape.RowLength * sizeof(float);
            largest = Math.Max(largest, Math.Min(values, 4 << 20) + rows * choice.Target.RowByteCount(choice.Source.Shape.RowLength));
        }
        return threadCount * largest + 2 * plan.Output.HeaderByteCount;
    }

    /// <summary>Two caches of one window, the activations of one batch, logits, tokenizers.</summary>
    private static long VerifyMemory(DecoderModel model)
    {
        int length = QualityWindows.Sizes(model).Length;
        long cache = 2L * sizeof(float) * length * model.Spec.Layers.Sum(layer => (long)layer.Attention.KeyValueHeadCount * (layer.Attention.HeadSize + layer.Attention.ValueSize));
        long widest = model.Spec.Layers.Max(layer => 6L * model.Spec.HiddenSize + 3L * layer.FeedForward.Width + 3L * layer.Attention.HeadCount * layer.Attention.HeadSize);
        return cache + 2 * sizeof(float) * length * widest + LogitsByteCount + ByteCountPerVocabularyEntry * model.Spec.VocabularySize;
    }
}
