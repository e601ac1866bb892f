using System.Text.Json.Nodes;
using Decant.Core.Measurement;

namespace Decant.Cli.Output;

/// <summary>Quality figures as JSON, the same in every verb.</summary>
internal static class EvaluationJson
{
    public static JsonObject Perplexity(PerplexityFigures figures) => new()
    {
        ["value"] = JsonOutput.Number(figures.Value),
        ["stderr"] = JsonOutput.Number(figures.StandardError),
        ["nll_sum"] = JsonOutput.Number(figures.NegativeLogLikelihoodSum),
        ["tokens"] = figures.TokenCount,
    };

    public static JsonObject Divergence(DivergenceFigures figures, double? standardError = null)
    {
        var document = new JsonObject
        {
            ["mean"] = JsonOutput.Number(figures.Mean),
            ["median"] = JsonOutput.Number(figures.Median),
            ["p99"] = JsonOutput.Number(figures.Percentile99),
            ["max"] = JsonOutput.Number(figures.Maximum),
        };
        if (standardError is { } error)
            document["stderr"] = JsonOutput.Number(error);
        return document;
    }
}
