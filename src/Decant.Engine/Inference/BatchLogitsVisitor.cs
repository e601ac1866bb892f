namespace Decant.Engine.Inference;

/// <summary>Receives the logits of one position of one text of a batch; the span is valid during the call only.</summary>
/// <param name="entry">Which text: 0 for the one added first.</param>
/// <param name="position">Index of the token whose successor the logits predict, within the ids added for the text.</param>
/// <param name="logits">[vocabulary].</param>
public delegate void BatchLogitsVisitor(int entry, int position, ReadOnlySpan<float> logits);
