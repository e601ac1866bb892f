namespace Decant.Cli.Logits;

/// <summary>One sequence of <c>decant logits</c>.</summary>
/// <param name="Ids">Its tokens.</param>
/// <param name="Mask">False for padding; empty for none.</param>
/// <param name="Types">Token types; empty if all are 0.</param>
/// <param name="DecoderIds">What the decoder of an encoder–decoder has written; empty for its first token alone.</param>
internal sealed record LogitsInput(int[] Ids, bool[] Mask, int[] Types, int[] DecoderIds);
