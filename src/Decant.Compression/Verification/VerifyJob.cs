using System.Diagnostics;
using Decant.Compression.Pipeline;
using Decant.Compression.Reports;
using Decant.Core.Files;
using Decant.Core.Measurement;
using Decant.Core.Tensors;

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
        FinishedJob? report = request.ReportPath is { } path ? CompressReport.ReadFinished(path) : null;
        if (report is not null)
            checks.Add(CheckContent(report, request.Candidate.Location, progress, cancellationToken));
        Expectation expected = request.Expected ?? Expectation.Of(request);
        VerifyCheck tensors = CheckTensors(expected, request.Candidate);
        checks.Add(tensors);
        checks.Add(expected.CheckMetadata(request.Candidate));
        checks.Add(TokenizerComparison.Check(request.Reference, request.Candidate));
        if (tensors.Passed)
        {
            checks.Add(WeightAgreement.Check(
                [.. expected.Tensors.Select(tensor => (tensor, request.Candidate.FindTensor(tensor.Info.Name)!))],
                new WeightAgreementOptions
                {
                    CompareWeights = request.CompareWeights,
                    IsPlainRounding = !HasImportance(request.Candidate),
                    MayBeRounded = request.Candidate.HuggingFace is { } files && (report is { HasBlockFormats: true } || files.SafetensorsMetadata.ContainsKey(HuggingFaceContent.RoundedKey)),
                },
                request.ThreadCount, progress, cancellationToken));
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

    /// <summary>Whether the files are byte for byte what their report says was written. Files added to a folder since are nobody's concern.</summary>
    private static VerifyCheck CheckContent(FinishedJob report, string location, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        IReadOnlyList<FileFingerprint> found = FileFingerprint.OfOutput(location, location, progress, cancellationToken);
        foreach (FileFingerprint written in report.Files)
        {
            // A file alone may have been renamed together with its report.
            FileFingerprint? now = Directory.Exists(location) ? found.FirstOrDefault(file => file.Name == written.Name) : found[0];
            if (now is null)
                return new VerifyCheck("content", false, $"{written.Name} is missing; the report beside the output lists it");
            if (now.Sha256 != written.Sha256)
                return new VerifyCheck("content", false, $"{now.Name}: SHA-256 {now.Sha256}, but the report beside it says {written.Sha256}: the file changed after it was written");
        }
        return new VerifyCheck("content", true, "SHA-256 as in the report beside it");
    }

    private static bool HasImportance(IModelSource candidate) =>
        candidate.Gguf?.Entries.Any(entry => entry.Key.StartsWith(PlannedFile.ImportanceKeyPrefix, StringComparison.Ordinal)) == true;

    private static VerifyCheck CheckTensors(Expectation expected, IModelSource candidate)
    {
        for (int i = 0; i < expected.Tensors.Count; i++)
        {
            TensorInfo info = expected.Tensors[i].Info;
            if (candidate.FindTensor(info.Name)?.Info is not { } got)
                return Failed($"{info.Name} is missing");
            if (got.Shape != info.Shape)
                return Failed($"{info.Name}: expected shape {info.Shape}, got {got.Shape}");
            if (expected.Formats is { } formats && got.Format != formats[i])
                return Failed($"{info.Name}: expected {formats[i]}, got {got.Format}");
        }
        string? extra = candidate.Tensors.Select(t => t.Info.Name).Except(expected.Tensors.Select(t => t.Info.Name)).FirstOrDefault();
        return extra is not null
            ? Failed($"{extra} is not in the source")
            : new VerifyCheck("tensors", true, $"{expected.Tensors.Count} tensors with their shapes{(expected.Formats is null ? "" : " and types")}");

        static VerifyCheck Failed(string detail) => new("tensors", false, detail);
    }
}
