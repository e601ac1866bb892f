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
            checks.Add(CheckContent(report, request, progress, cancellationToken));
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
                    IsPlainRounding = !HasImportance(request, report),
                    MayBeRounded = report is { HasBlockFormats: true } && request.Candidate.Gguf is null,
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

    /// <summary>Whether the files are byte for byte what their report says was written.</summary>
    private static VerifyCheck CheckContent(FinishedJob report, VerifyRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        string location = request.Candidate.Location;
        IReadOnlyList<string> paths = Directory.Exists(location) ? [.. report.Files.Select(file => Path.Combine(location, Path.GetFileName(file.Name)))] : [location];
        if (paths.FirstOrDefault(path => !File.Exists(path)) is { } missing)
            return new VerifyCheck("content", false, $"{Path.GetFileName(missing)} is missing; the report beside the output lists it");
        IReadOnlyList<FileFingerprint> found = FileFingerprint.Of(paths, progress, cancellationToken);
        for (int i = 0; i < found.Count; i++)
        {
            if (i >= report.Files.Count || found[i].Sha256 != report.Files[i].Sha256)
                return new VerifyCheck("content", false, $"{found[i].Name}: SHA-256 {found[i].Sha256[..16]}…, but the report beside it says {(i < report.Files.Count ? report.Files[i].Sha256[..16] : "nothing")}…: the file changed after it was written");
        }
        return new VerifyCheck("content", true, "SHA-256 as in the report beside it");
    }

    private static bool HasImportance(VerifyRequest request, FinishedJob? report) =>
        request.Expected?.HasImportance == true || report?.HasImportance == true
        || request.Candidate.Gguf is { } gguf && gguf.Entries.Any(entry => entry.Key.StartsWith("quantize.imatrix.", StringComparison.Ordinal));

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
