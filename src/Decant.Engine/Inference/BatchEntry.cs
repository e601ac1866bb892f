namespace Decant.Engine.Inference;

/// <summary>New tokens of one text in a call.</summary>
/// <param name="Session">The text.</param>
/// <param name="FirstId">Where its ids begin among those of the call.</param>
/// <param name="IdCount">How many.</param>
/// <param name="FirstLogits">The first of them whose logits are wanted; <paramref name="IdCount"/> for none.</param>
/// <param name="Name">What messages call it; null for its number in the batch.</param>
internal readonly record struct BatchEntry(DecoderSession Session, int FirstId, int IdCount, int FirstLogits, string? Name);
