using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

namespace Decant.Compression.Verification;

/// <summary>Runs both models over the same tokens and compares their predictions.</summary>
internal static class LogitsCheck
{
    /// <summary>
    /// Mean KL divergence in nats above which a quantized file counts as broken, by the bits of its coarsest matrix. Wide on purpose: an honest plain
    /// Q4_0 of a small model has 0.4 to 0.7. Below three bits there is none: an honest ternary file of a model not trained for it has eleven.
    /// </summary>
    private static readonly (double MinimumBits, double Limit)[] limits = [(4, 2.0), (3, 4.0)];

    /// <summary>The check, the figures and what they were taken on.</summary>
    public sealed record Outcome(VerifyCheck Check, QualityFigures? Figures, string? Text, IReadOnlyList<string> Notices);

    /// <summary>Compares the logits.</summary>
    /// <param name="request">The models.</param>
    /// <param name="progress">Told about tokens.</param>
    /// <param name="cancellationToken">Stops between pieces of work.</param>
    public static Outcome Run(VerifyRequest request, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        Model reference;
        try
        {
            reference = ArchitectureRegistry.Bind(request.Reference);
            LanguageModels.RequireText(reference);
        }
        catch (NotSupportedModelException e)
        {
            // The weights have been compared; what Decant cannot run it cannot measure, and says so.
            if (request.MaximumDivergence is not null)
                return new Outcome(new VerifyCheck("logits", false, $"--max-kld cannot be checked: {e.Message}"), null, null, []);
            string notice = $"perplexity and divergence were not measured: {e.Message}";
            return new Outcome(new VerifyCheck("logits", true, "not run") { WasRun = false }, null, null, [notice]);
        }
        Model candidate;
        try
        {
            candidate = ArchitectureRegistry.Bind(request.Candidate);
        }
        catch (DecantException e)
        {
            return new Outcome(new VerifyCheck("logits", false, $"the output cannot be run: {e.Message}"), null, null, []);
        }
        QualityWindows windows = QualityWindows.For(reference, LoadTokenizer(request));
        QualityFigures figures;
        try
        {
            figures = request.QualityProbe!.Compare(
                new QualityRequest { Reference = reference, Candidate = candidate, Windows = windows.Ids, ThreadCount = request.ThreadCount }, progress, cancellationToken);
        }
        catch (NumericalException e)
        {
            return new Outcome(new VerifyCheck("logits", false, e.Message), null, windows.Name, []);
        }
        VerifyCheck check = Judge(request, candidate, figures);
        bool isFar = check.Passed && request.CompareWeights && figures.Divergence.Mean > limits[0].Limit;
        return new Outcome(check, figures, windows.Name, isFar
            ? [string.Create(CultureInfo.InvariantCulture, $"the output predicts quite another text than the source (mean KL divergence {figures.Divergence.Mean:0.00} nats): this type is too coarse for a model not trained for it")]
            : []);
    }

    private static VerifyCheck Judge(VerifyRequest request, Model candidate, QualityFigures figures)
    {
        double mean = figures.Divergence.Mean;
        double? limit = request.MaximumDivergence ?? (request.CompareWeights ? DefaultLimit(candidate) : null);
        string found = string.Create(CultureInfo.InvariantCulture, $"mean KL divergence {mean:0.0000} nats over {figures.Candidate.TokenCount} tokens");
        if (limit is null)
            return new VerifyCheck("logits", double.IsFinite(mean), found);
        string bound = string.Create(CultureInfo.InvariantCulture, $"{limit.Value:G4}");
        return mean <= limit
            ? new VerifyCheck("logits", true, $"{found}, limit {bound}")
            : new VerifyCheck("logits", false, $"{found}, more than {(request.MaximumDivergence is null ? "an honest file of this size has" : "--max-kld")} ({bound})");
    }

    /// <summary>The limit by the bits of the coarsest matrix, or null for files without block formats and for very coarse ones.</summary>
    internal static double? DefaultLimit(Model candidate)
    {
        double[] bits = [.. candidate.Tensors.Values.Select(t => t.Info.Format).Where(f => f.IsBlockFormat).Select(f => f.BitsPerWeight)];
        if (bits.Length == 0)
            return null;
        double coarsest = bits.Min();
        foreach ((double minimumBits, double limit) in limits)
        {
            if (coarsest >= minimumBits)
                return limit;
        }
        return null;
    }

    private static Tokenizer? LoadTokenizer(VerifyRequest request)
    {
        try
        {
            return TokenizerLoader.Load(request.Reference);
        }
        catch (DecantException)
        {
            // Compared apart; any ids do for comparing predictions.
            return null;
        }
    }
}
