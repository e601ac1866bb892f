namespace Decant.Engine.Inference;

/// <summary>Receives the logits of one position; the span is valid during the call only.</summary>
/// <param name="position">Index of the token whose successor the logits predict, within the ids of the call.</param>
/// <param name="logits">[vocabulary].</param>
public delegate void LogitsVisitor(int position, ReadOnlySpan<float> logits);
