namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>A regular expression that Split pre-tokenizers use, recognised by its text and written by hand over code points.</summary>
/// <param name="Regex">Exactly as tokenizer.json spells it. Every text is matched without gaps.</param>
/// <param name="Splitter">The scanner.</param>
internal sealed record SplitPattern(string Regex, ISplitter Splitter);

/// <summary>
/// Every split pattern Decant knows; a new one is a line here and, if it is of a new kind, a scanner. .NET's own engine is not used: it works
/// on UTF-16, where no class matches a letter outside the basic plane, and it is slower.
/// </summary>
internal static class SplitPatterns
{
    /// <summary>GPT-2's pattern, which ByteLevel applies itself.</summary>
    public static SplitPattern Gpt2 { get; } = new(
        @"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+", new Gpt2Splitter());

    /// <summary>Llama 3's: up to three digits together.</summary>
    public static SplitPattern Llama3 { get; } = new(
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", new Llama3Splitter(3));

    /// <summary>Qwen 2's: every digit alone.</summary>
    public static SplitPattern Qwen2 { get; } = new(
        @"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+", new Llama3Splitter(1));

    /// <summary>The list.</summary>
    public static IReadOnlyList<SplitPattern> All { get; } =
    [
        Gpt2,
        Llama3,
        Qwen2,
    ];

    /// <summary>The pattern of this text, or null.</summary>
    public static SplitPattern? Find(string regex) => All.FirstOrDefault(p => p.Regex == regex);
}
