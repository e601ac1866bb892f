using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Compression.Methods.Mixtures;
using Decant.Compression.Pipeline;
using Decant.Compression.Pipeline.Estimates;
using Decant.Compression.Verification;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Measurement;

namespace Decant.Compression.Reports;

/// <summary>
/// <c>OUT.report.json</c>: what went in, what was asked for, what came out, planned against actual, and what it cost. Field names in snake case;
/// bytes, seconds and nats. Written before the output gets its name; the output itself holds nothing of it.
/// </summary>
public static class CompressReport
{
    internal const string Suffix = ".report.json";
    private const string IdentityKey = "job";
    private const string OutputKey = "output";
    private const string FilesKey = "files";
    private const string TypesKey = "types";
    private const long MaximumByteCount = 64 << 20;

    /// <summary>The report's path for an output.</summary>
    public static string PathFor(string outputPath) => Path.TrimEndingDirectorySeparator(outputPath) + Suffix;

    /// <summary>The job that made an output and the files it wrote, or null if there is no report or none that can be read.</summary>
    internal static FinishedJob? ReadFinished(string reportPath)
    {
        try
        {
            if (!File.Exists(reportPath) || new FileInfo(reportPath).Length > MaximumByteCount)
                return null;
            using JsonDocument report = JsonDocument.Parse(File.ReadAllText(reportPath));
            JsonElement? files = Find(Find(report.RootElement, OutputKey), FilesKey);
            if (FindText(report.RootElement, IdentityKey) is not { } identity || files?.ValueKind != JsonValueKind.Array)
                return null;
            FileFingerprint?[] written = [.. files.Value.EnumerateArray().Select(file => FindFingerprint(file))];
            bool hasBlockFormats = Find(report.RootElement, TypesKey) is { ValueKind: JsonValueKind.Array } types
                && types.EnumerateArray().Any(type => FindText(type, "type") is { } name && TensorFormats.FindByName(name)?.IsBlockFormat == true);
            return written.Contains(null) ? null : new FinishedJob(identity, [.. written.OfType<FileFingerprint>()], hasBlockFormats);
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static JsonElement? Find(JsonElement? parent, string key) =>
        parent is { ValueKind: JsonValueKind.Object } && parent.Value.TryGetProperty(key, out JsonElement value) ? value : null;

    private static string? FindText(JsonElement? parent, string key) => Find(parent, key) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static FileFingerprint? FindFingerprint(JsonElement file) =>
        FindText(file, "name") is { } name && FindText(file, "sha256") is { } hash
        && Find(file, "bytes") is { ValueKind: JsonValueKind.Number } count && count.TryGetInt64(out long byteCount)
            ? new FileFingerprint(name, byteCount, hash)
            : null;

    /// <summary>Writes the report of a job that is about to be finished.</summary>
    internal static void Write(
        CompressionPlan plan, CompressOptions options, CompressResult result, IReadOnlyList<FileFingerprint> source, IReadOnlyList<FileFingerprint> written, string identity)
    {
        var report = new JsonObject
        {
            ["decant"] = JobIdentity.Version,
            ["command"] = options.Command,
            [IdentityKey] = identity,
            ["source"] = new JsonObject { [FilesKey] = Files(source), ["bytes"] = source.Sum(file => file.ByteCount) },
            ["importance"] = plan.Request.Importance is { } importance
                ? new JsonObject
                {
                    ["file"] = Path.GetFileName(importance.Location),
                    ["texts"] = new JsonArray([.. importance.Datasets.Select(text => (JsonNode)Path.GetFileName(text))]),
                    ["chunks"] = importance.ChunkCount,
                    ["chunk_tokens"] = importance.ChunkSize,
                }
                : null,
            ["type"] = plan.Request.Type.Name,
            ["tensor_types"] = new JsonArray([.. plan.Request.Overrides.Select(o => (JsonNode)o.ToString())]),
            [OutputKey] = new JsonObject
            {
                ["file"] = Path.GetFileName(result.OutputPath),
                [FilesKey] = Files(written),
                ["bytes"] = result.OutputByteCount,
                ["bits_per_weight"] = Round(result.BitsPerWeight, 4),
                ["weights"] = plan.WeightCount,
            },
            ["planned"] = Planned(plan, options.Estimate),
            ["actual"] = new JsonObject
            {
                ["bytes"] = result.OutputByteCount,
                ["hash_seconds"] = Round(result.Times.Hash.TotalSeconds, 3),
                ["encode_seconds"] = Round(result.Times.Encode.TotalSeconds, 3),
                ["sync_seconds"] = Round(result.Times.Synchronize.TotalSeconds, 3),
                ["verify_seconds"] = Round(result.Times.Verify.TotalSeconds, 3),
                ["peak_memory_bytes"] = result.PeakMemoryByteCount,
                ["resumed_tensors"] = result.ResumedTensorCount,
            },
            ["verify"] = Verification(result.Verification),
            ["quality"] = Quality(result.Verification),
            ["notices"] = new JsonArray([.. result.Notices.Select(notice => (JsonNode)notice)]),
            [TypesKey] = Types(plan.Tensors),
            ["tensors"] = Tensors(plan.Tensors),
        };
        using AtomicOutput output = AtomicOutput.ForFile(result.ReportPath, overwrite: true, inputs: []);
        using (var writer = new Utf8JsonWriter(output.OpenFile(), new JsonWriterOptions { Indented = true, NewLine = "\n" }))
            report.WriteTo(writer);
        output.Commit();
    }

    private static JsonObject Planned(CompressionPlan plan, PlanEstimate? estimate)
    {
        var planned = new JsonObject { ["bytes"] = plan.OutputByteCount };
        if (estimate is not null)
        {
            planned["hash_seconds"] = Round(estimate.Hash.TotalSeconds, 3);
            planned["encode_seconds"] = Round(estimate.Encode.TotalSeconds, 3);
            planned["sync_seconds"] = Round(estimate.Synchronize.TotalSeconds, 3);
            planned["verify_seconds"] = Round(estimate.Verify.TotalSeconds, 3);
            planned["peak_memory_bytes"] = estimate.PeakMemoryByteCount;
        }
        return planned;
    }

    private static JsonArray Files(IReadOnlyList<FileFingerprint> files) =>
        new([.. files.Select(file => (JsonNode)new JsonObject { ["name"] = file.Name, ["bytes"] = file.ByteCount, ["sha256"] = file.Sha256 })]);

    private static JsonObject? Verification(VerifyReport? report) => report is null
        ? null
        : new JsonObject
        {
            ["passed"] = report.Passed,
            ["checks"] = new JsonArray([.. report.Checks.Select(check => (JsonNode)new JsonObject { ["name"] = check.Name, ["passed"] = check.Passed, ["detail"] = check.Detail })]),
        };

    private static JsonObject? Quality(VerifyReport? report) => report?.Quality is not { } quality
        ? null
        : new JsonObject
        {
            ["text"] = report.QualityText,
            ["tokens"] = quality.Candidate.TokenCount,
            ["perplexity_before"] = Perplexity(quality.Reference),
            ["perplexity_after"] = Perplexity(quality.Candidate),
            ["kl_divergence"] = new JsonObject
            {
                ["mean"] = Round(quality.Divergence.Mean, 6),
                ["median"] = Round(quality.Divergence.Median, 6),
                ["p99"] = Round(quality.Divergence.Percentile99, 6),
                ["max"] = Round(quality.Divergence.Maximum, 6),
            },
            ["top1_agreement"] = Round(quality.TopOneAgreement, 6),
        };

    private static JsonObject Perplexity(PerplexityFigures figures) =>
        new() { ["value"] = Round(figures.Value, 6), ["stderr"] = Round(figures.StandardError, 6) };

    private static JsonArray Types(IReadOnlyList<TensorChoice> tensors) => new(
    [
        .. tensors.GroupBy(t => t.Target).Select(group => (JsonNode)new JsonObject
        {
            ["type"] = group.Key.Name,
            ["tensors"] = group.Count(),
            ["bytes"] = group.Sum(t => t.TargetByteCount),
        }),
    ]);

    private static JsonArray Tensors(IReadOnlyList<TensorChoice> tensors) => new(
    [
        .. tensors.Select(t => (JsonNode)new JsonObject
        {
            ["name"] = t.Source.Name,
            ["shape"] = new JsonArray([.. t.Source.Shape.Dimensions.Select(d => (JsonNode)d)]),
            ["from"] = t.Source.Format.Name,
            ["to"] = t.Target.Name,
            ["reason"] = t.Reason switch
            {
                ChoiceReason.Untouched => "untouched",
                ChoiceReason.Fallback => "fallback",
                ChoiceReason.Override => "override",
                _ => "mixture",
            },
        }),
    ]);

    /// <summary>JSON has no infinity; a perplexity that overflowed is null.</summary>
    private static JsonValue? Round(double value, int digits) => double.IsFinite(value) ? JsonValue.Create(Math.Round(value, digits)) : null;
}
