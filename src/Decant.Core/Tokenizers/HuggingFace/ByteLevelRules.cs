using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>Rules of splitting text that a byte-level vocabulary without tokenizer.json can have been made with.</summary>
/// <param name="Normalizer">Rewrites text, if anything does.</param>
/// <param name="Splits">Cut text into words.</param>
/// <param name="HasOwnPattern">True if ByteLevel applies GPT-2's pattern itself.</param>
internal sealed record ByteLevelRules(Normalizer? Normalizer, IReadOnlyList<PreTokenizer> Splits, bool HasOwnPattern)
{
    private const int MostTokensAsked = 20_000;

    /// <summary>GPT-2's.</summary>
    public static ByteLevelRules Gpt2 { get; } = new(null, [], HasOwnPattern: true);

    /// <summary>Qwen 2's.</summary>
    public static ByteLevelRules Qwen2 { get; } = new(new NfcNormalizer(), [new SplitPreTokenizer(SplitPatterns.Qwen2)], HasOwnPattern: false);

    // Those that cut more first: of rules that fit equally well the first is taken.
    private static readonly ByteLevelRules[] all =
    [
        Gpt2 with { Splits = [new DigitsPreTokenizer(individualDigits: true)] },
        Gpt2,
        Qwen2,
        new(null, [new SplitPreTokenizer(SplitPatterns.Llama3)], HasOwnPattern: false),
    ];

    /// <summary>
    /// The rules that a vocabulary was made with: merges join within words only, so the rules that cut the fewest tokens in two are the ones. One digit a token
    /// tells SmolLM's from GPT-2's, letters behind a sign (<c>.com</c>) Qwen's and Llama's from both.
    /// </summary>
    public static ByteLevelRules Infer(ModelVocabulary vocabulary, IEnumerable<Merge> merges)
    {
        int[] made = [.. merges.Select(m => m.Result).Distinct()];
        int step = Math.Max(1, made.Length / MostTokensAsked);
        int[] torn = new int[all.Length];
        for (int i = 0; i < made.Length; i += step)
        {
            if (TextOf(vocabulary.FindText(made[i])!) is not { } text)
                continue;
            for (int rules = 0; rules < all.Length; rules++)
            {
                var words = new WordList(text);
                all[rules].Make(addPrefixSpace: false).Apply(words);
                torn[rules] += words.Words.Count > 1 ? 1 : 0;
            }
        }
        return all[Array.IndexOf(torn, torn.Min())];
    }

    /// <summary>The pre-tokenizer.</summary>
    public PreTokenizer Make(bool addPrefixSpace)
    {
        var bytes = new ByteLevelPreTokenizer(addPrefixSpace, trimOffsets: true, HasOwnPattern);
        return Splits.Count == 0 ? bytes : new SequencePreTokenizer([.. Splits, bytes]);
    }

    // Null for parts of characters, and for tokens that are not in the alphabet.
    private static AlignedText? TextOf(string token)
    {
        byte[] bytes = new byte[token.Length];
        for (int i = 0; i < bytes.Length; i++)
        {
            int value = ByteLevelAlphabet.ByteOf(token[i]);
            if (value < 0)
                return null;
            bytes[i] = (byte)value;
        }
        return System.Text.Unicode.Utf8.IsValid(bytes) ? new AlignedText(bytes, 0, bytes.Length, null, null, true, bytes.Length * 64L) : null;
    }
}
