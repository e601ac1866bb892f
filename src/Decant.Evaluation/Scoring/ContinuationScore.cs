namespace Decant.Evaluation.Scoring;

/// <summary>How a model judges a continuation of a context.</summary>
/// <param name="LogProbability">ln p(continuation | context) in nats: the sum over its tokens.</param>
/// <param name="TokenCount">Tokens of the continuation.</param>
/// <param name="IsGreedy">True if every token is the model's most likely one (the lowest id among equals).</param>
public readonly record struct ContinuationScore(double LogProbability, int TokenCount, bool IsGreedy);
