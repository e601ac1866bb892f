namespace Decant.Core.Tokenizers;

/// <summary>
/// Ends a stream of text at the first of several stop strings, which may begin in one piece and end in another. Text that could still become a
/// stop string is held back; all other text passes at once. The stop string itself is dropped.
/// </summary>
public sealed class StopTextFilter
{
    private readonly string[] stops;
    private string held = "";

    /// <summary>Creates a filter.</summary>
    /// <param name="stops">The strings that end the text, none of them empty; without any, everything passes.</param>
    /// <exception cref="ArgumentException">A stop string is empty.</exception>
    public StopTextFilter(IEnumerable<string> stops)
    {
        this.stops = [.. stops];
        if (this.stops.Any(stop => stop.Length == 0))
            throw new ArgumentException("A stop string cannot be empty: every text would end at once.", nameof(stops));
    }

    /// <summary>The stop string that ended the text, or null while none was met.</summary>
    public string? Found { get; private set; }

    /// <summary>Takes the next piece; returns the text that is certain to stand before any stop string. Nothing passes after the end.</summary>
    public string Push(string piece)
    {
        if (Found is not null)
            return "";
        string text = held + piece;
        int end = -1;
        foreach (string stop in stops)
        {
            int at = text.IndexOf(stop, StringComparison.Ordinal);
            if (at >= 0 && (end < 0 || at < end))
                (end, Found) = (at, stop);
        }
        if (end >= 0)
        {
            held = "";
            return text[..end];
        }
        int keep = stops.Select(stop => LongestOpenStart(text, stop)).DefaultIfEmpty(0).Max();
        held = text[^keep..];
        return text[..^keep];
    }

    /// <summary>Ends the text; returns what was held back.</summary>
    public string Flush()
    {
        string rest = held;
        held = "";
        return rest;
    }

    // The longest end of the text that is a proper start of the stop string.
    private static int LongestOpenStart(string text, string stop)
    {
        for (int length = Math.Min(text.Length, stop.Length - 1); length > 0; length--)
        {
            if (text.AsSpan(text.Length - length).SequenceEqual(stop.AsSpan(0, length)))
                return length;
        }
        return 0;
    }
}
