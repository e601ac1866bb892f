using Decant.Core.Measurement;
using Decant.Engine.Inference;
using Decant.Evaluation.Divergence;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation;

/// <summary>Answers compression's question what a change did to a model, by running both models side by side.</summary>
public sealed class QualityProbe : IQualityProbe
{
    /// <inheritdoc/>
    public QualityFigures Compare(QualityRequest request, IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        TokenWindow[] windows = [.. request.Windows.Select(ids => new TokenWindow(ids, 1))];
        int capacity = windows.Length == 0 ? 1 : windows.Max(window => window.Ids.Length);
        var options = new DecoderOptions { ThreadCount = request.ThreadCount };
        using ILanguageModel before = LanguageModels.Load(request.Reference, options, cancellationToken);
        using ILanguageModel after = LanguageModels.Load(request.Candidate, options, cancellationToken);
        using ILogitsSource reference = SessionLogitsSource.Of(request.Reference.Source.Location, before, capacity);
        using ILogitsSource candidate = SessionLogitsSource.Of(request.Candidate.Source.Location, after, capacity);
        ComparisonFigures figures = ModelComparer.Compare(reference, candidate, windows, progress, cancellationToken);
        return new QualityFigures(figures.Reference, figures.Candidate, figures.Divergence, figures.TopOneAgreement);
    }
}
