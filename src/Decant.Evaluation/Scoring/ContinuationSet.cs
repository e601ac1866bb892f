namespace Decant.Evaluation.Scoring;

/// <summary>A context and texts that could follow it: a question of a multiple-choice task, or one text whose ending is to be judged.</summary>
/// <param name="Context">At least one id: where a task has no context, the token that begins texts.</param>
/// <param name="Continuations">At least one, each of at least one id.</param>
public sealed record ContinuationSet(ReadOnlyMemory<int> Context, IReadOnlyList<ReadOnlyMemory<int>> Continuations);
