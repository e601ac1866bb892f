namespace Decant.Core.Tokenizers;

/// <summary>Ids with a meaning of their own.</summary>
/// <param name="Bos">Begins a text; null if the tokenizer has none.</param>
/// <param name="Eos">Ends a text.</param>
/// <param name="Unknown">Stands for what cannot be written.</param>
/// <param name="Padding">Fills up batches.</param>
/// <param name="EndOfGeneration">Every id after which generation stops: Eos, what the model's files name besides, and special tokens whose
/// names end a turn in the usual chat formats. Ascending.</param>
public sealed record SpecialTokenIds(int? Bos, int? Eos, int? Unknown, int? Padding, IReadOnlyList<int> EndOfGeneration)
{
    private static readonly string[] turnEnds =
    [
        "<|im_end|>", // ChatML: Qwen, SmolLM
        "<|eot_id|>", "<|eom_id|>", "<|end_of_text|>", // Llama 3
        "<|end|>", // Phi 3
        "<end_of_turn>", // Gemma
        "<|endoftext|>", // GPT-2, Qwen, Phi
        "<|END_OF_TURN_TOKEN|>", // Command R
    ];

    /// <summary>Collects the ids after which generation stops.</summary>
    internal static int[] EndIds(IEnumerable<int> named, IEnumerable<AddedToken> tokens)
    {
        var ends = new List<int>(named);
        foreach (AddedToken token in tokens)
        {
            if (token.IsSpecial && turnEnds.Contains(token.Content))
                ends.Add(token.Id);
        }
        ends.Sort();
        var distinct = new List<int>(ends.Count);
        foreach (int id in ends)
        {
            if (distinct.Count == 0 || distinct[^1] != id)
                distinct.Add(id);
        }
        return [.. distinct];
    }
}
