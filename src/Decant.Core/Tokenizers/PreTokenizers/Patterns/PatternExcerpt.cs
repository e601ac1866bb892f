namespace Decant.Core.Tokenizers.PreTokenizers.Patterns;

/// <summary>The part of a regular expression that a message shows: those of some tokenizers fill a screen.</summary>
internal static class PatternExcerpt
{
    private const int LongestShown = 60;

    /// <summary>The expression from a place on, in quotes, on one line; an ellipsis where it is cut.</summary>
    /// <param name="pattern">The expression.</param>
    /// <param name="start">The first character shown.</param>
    public static string Of(string pattern, int start = 0)
    {
        int length = Math.Min(pattern.Length - start, LongestShown);
        // A pair of surrogates is one character.
        if (length > 0 && start + length < pattern.Length && char.IsHighSurrogate(pattern[start + length - 1]))
            length--;
        string shown = string.Concat(pattern.Substring(start, length).Select(c => char.IsControl(c) ? $"\\u{(int)c:x4}" : c.ToString()));
        return $"{(start > 0 ? "'…" : "'")}{shown}{(start + length < pattern.Length ? "…'" : "'")}";
    }
}
