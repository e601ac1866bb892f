using System.Text.Json.Nodes;
using Decant.Compression.Verification;
using Decant.Core.Measurement;

namespace Decant.Cli.Output;

/// <summary>What verification found, the same in every verb that verifies.</summary>
internal static class VerifyOutput
{
    public static JsonObject ToJson(VerifyReport report)
    {
        var document = new JsonObject
        {
            ["passed"] = report.Passed,
            ["checks"] = new JsonArray([.. report.Checks.Select(check => (JsonNode)new JsonObject
            {
                ["name"] = check.Name,
                ["passed"] = check.Passed,
                ["detail"] = check.Detail,
            })]),
            ["text"] = report.QualityText,
            ["perplexity_before"] = report.Quality is { } before ? EvaluationJson.Perplexity(before.Reference) : null,
            ["perplexity_after"] = report.Quality is { } after ? EvaluationJson.Perplexity(after.Candidate) : null,
            ["kl_divergence"] = report.Quality is { } quality ? EvaluationJson.Divergence(quality.Divergence) : null,
            ["top1_agreement"] = report.Quality is { } tops ? JsonOutput.Number(tops.TopOneAgreement) : null,
            ["seconds"] = report.Duration.TotalSeconds,
        };
        return document;
    }

    public static IEnumerable<(string Name, string Value)> Checks(VerifyReport report) =>
        report.Checks.Select(check => (check.Name, check.Passed ? check.Detail : $"FAILED: {check.Detail}"));

    public static IEnumerable<(string Name, string Value)> Quality(VerifyReport report)
    {
        if (report.Quality is not { } quality)
            yield break;
        yield return ("perplexity", FormattableString.Invariant(
            $"{quality.Reference.Value:F4} before, {quality.Candidate.Value:F4} after ({100 * (quality.Candidate.Value / quality.Reference.Value - 1):+0.00;-0.00;0.00} %)"));
        yield return ("KL divergence", FormattableString.Invariant(
            $"mean {quality.Divergence.Mean:G3}, median {quality.Divergence.Median:G3}, 99 % {quality.Divergence.Percentile99:G3}, largest {quality.Divergence.Maximum:G3} nats"));
        yield return ("same top token", FormattableString.Invariant($"{100 * quality.TopOneAgreement:F1} % of {quality.Candidate.TokenCount} tokens"));
        if (report.QualityText is { } text)
            yield return ("measured on", text);
    }
}
