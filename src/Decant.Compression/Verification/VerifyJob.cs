using System.Diagnostics;
using Decant.Compression.Pipeline;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Measurement;
using Decant.Core.Tensors;
using Decant.Core.Tokenizers;

namespace Decant.Compression.Verification;

/// <summary>
/// Asks whether one model is another one, rounded: every tensor present and of the right shape, every value finite and near the source's,
/// metadata and tokenizer equal, and the predictions of both models close on a built-in text. Both models are read from their mapped files.
/// </summary>
public static class VerifyJob
{
    /// <summary>Runs all checks; a failed check is reported, not thrown, and checks that need what failed are left out.</summary>
    /// <param name="request">What is checked.</param>
    /// <param name="progress">Told about the stages <c>verify weights</c> and <c>verify logits</c>.</param>
    /// <param name="cancellationToken">Stops between pieces of work.</param>
    public static VerifyReport Run(VerifyRequest request, IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        long started = Stopwatch.GetTimestamp();
        List<VerifyCheck> checks = [];
        GgufContent expected = request.Plan?.Content ?? GgufContent.Of(request.Reference);
        VerifyCheck tensors = CheckTensors(expected, request);
        checks.Add(tensors);
        checks.Add(MetadataComparison.Check(expected.Metadata, request.Candidate.Gguf!, ignoreFileKeys: request.Plan is null));
        checks.Add(TokenizerComparison.Check(() => TokenizerLoader.Load(request.Reference), request.Candidate));
        if (tensors.Passed)
        {
            checks.Add(WeightAgreement.Check(
                [.. expected.Tensors.Select(tensor => (tensor, request.Candidate.FindTensor(tensor.Info.Name)!))],
                request.CompareWeights, request.ThreadCount, progress, cancellationToken));
        }
        LogitsCheck.Outcome? logits = null;
        if (tensors.Passed && request.QualityProbe is not null)
        {
            logits = LogitsCheck.Run(request, progress, cancellationToken);
            checks.Add(logits.Check);
        }
        return new VerifyReport
        {
            Location = request.CandidateName,
            Checks = checks,
            Quality = logits?.Figures,
            QualityText = logits?.Text,
            Notices = logits?.Notices ?? [],
            Duration = Stopwatch.GetElapsedTime(started),
        };
    }

    private static VerifyCheck CheckTensors(GgufContent expected, VerifyRequest request)
    {
        for (int i = 0; i < expected.Tensors.Count; i++)
        {
            TensorInfo info = expected.Tensors[i].Info;
            TensorFormat? format = request.Plan?.Tensors[i].Target;
            if (request.Candidate.FindTensor(info.Name)?.Info is not { } got)
                return Failed($"{info.Name} is missing");
            if (got.Shape != info.Shape)
                return Failed($"{info.Name}: expected shape {info.Shape}, got {got.Shape}");
            if (format is not null && got.Format != format)
                return Failed($"{info.Name}: expected {format}, got {got.Format}");
        }
        string? extra = request.Candidate.Tensors.Select(t => t.Info.Name).Except(expected.Tensors.Select(t => t.Info.Name)).FirstOrDefault();
        return extra is not null
            ? Failed($"{extra} is not in the source")
            : new VerifyCheck("tensors", true, $"{expected.Tensors.Count} tensors with their shapes{(request.Plan is null ? "" : " and types")}");

        static VerifyCheck Failed(string detail) => new("tensors", false, detail);
    }
}
