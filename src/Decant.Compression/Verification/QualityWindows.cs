using Decant.Compression.Calibration;
using Decant.Core.Architectures;
using Decant.Core.Tokenizers;

namespace Decant.Compression.Verification;

/// <summary>
/// What verification runs through both models: the opening of the built-in text, or, for a model without a tokenizer, fixed pseudo-random ids. The
/// larger the model, the fewer tokens, so that the check stays a matter of seconds.
/// </summary>
/// <param name="Ids">Windows of token ids, each run from an empty cache.</param>
/// <param name="Name">What they are, for reports.</param>
internal sealed record QualityWindows(IReadOnlyList<ReadOnlyMemory<int>> Ids, string Name)
{
    private const int WindowLength = 256;
    private const int MaximumTokenCount = 512;
    private const int MinimumTokenCount = 64;

    /// <summary>Multiplications and additions spent on both models together; some seconds on two cores.</summary>
    private const double OperationBudget = 3e11;

    /// <summary>Characters that surely hold a token: longer ones are rare, and the text is long enough for them.</summary>
    private const int CharactersPerToken = 16;

    /// <summary>Tokens in all windows together.</summary>
    public int TokenCount => Ids.Sum(window => window.Length);

    /// <summary>Chooses windows for a model.</summary>
    /// <param name="model">The model.</param>
    /// <param name="tokenizer">Its tokenizer, or null.</param>
    public static QualityWindows For(Model model, Tokenizer? tokenizer)
    {
        (int count, int length) = Sizes(model);
        if (tokenizer is not null && FromText(model, tokenizer, count, length) is { } windows)
            return new QualityWindows(windows, $"{BuiltInText.Name}; {count} windows of {length} tokens");
        return new QualityWindows(FromNumbers(model, count, length), $"fixed pseudo-random ids (the model has no tokenizer); {count} windows of {length} tokens");
    }

    /// <summary>How many windows, and of what length, a model of this size gets.</summary>
    public static (int Count, int Length) Sizes(Model model)
    {
        double operationsPerToken = 2 * 2 * (double)model.Tensors.Values.Where(t => t.Info.Shape.Rank >= 2).Sum(t => t.Info.Shape.ElementCount);
        int tokens = (int)Math.Clamp(OperationBudget / Math.Max(1, operationsPerToken), MinimumTokenCount, MaximumTokenCount);
        int length = Math.Max(2, Math.Min(Math.Min(WindowLength, tokens), model.Spec.ContextLength));
        return (Math.Max(1, tokens / length), length);
    }

    private static List<ReadOnlyMemory<int>>? FromText(Model model, Tokenizer tokenizer, int count, int length)
    {
        string text = BuiltInText.Text;
        int[] prefix = [.. tokenizer.PrefixIds.Take(length - 1)];
        int share = length - prefix.Length;
        int[] ids = tokenizer.EncodeIds(text[..Math.Min(text.Length, count * share * CharactersPerToken)], addSpecialTokens: false);
        if (ids.Length < count * share || ids.Concat(prefix).Any(id => id >= model.Spec.VocabularySize))
            return null;
        return [.. Enumerable.Range(0, count).Select(i => (ReadOnlyMemory<int>)(int[])[.. prefix, .. ids.AsSpan(i * share, share)])];
    }

    /// <summary>Numbers of the generator of <c>quantization.md</c>, section 17.</summary>
    private static List<ReadOnlyMemory<int>> FromNumbers(Model model, int count, int length)
    {
        uint state = 1;
        List<ReadOnlyMemory<int>> windows = [];
        for (int i = 0; i < count; i++)
        {
            int[] ids = new int[length];
            for (int j = 0; j < length; j++)
            {
                state = 1664525 * state + 1013904223;
                ids[j] = (int)((state >> 8) % (uint)model.Spec.VocabularySize);
            }
            windows.Add(ids);
        }
        return windows;
    }
}
