using System.Net;
using System.Text;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates.Printing;

/// <summary>Escaping and unescaping of HTML as MarkupSafe does it.</summary>
internal static class HtmlText
{
    /// <summary>The text escaped, unless it already is.</summary>
    public static string Escape(StringValue value) => value.IsMarkup ? value.Text : Escape(value.Text);

    public static string Escape(string text) => text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace("'", "&#39;", StringComparison.Ordinal)
        .Replace("\"", "&#34;", StringComparison.Ordinal);

    /// <summary>Comments and tags removed, runs of white space made one blank, entities resolved.</summary>
    public static string StripTags(string text)
    {
        string bare = Remove(Remove(text, "<!--", "-->"), "<", ">");
        var result = new StringBuilder(bare.Length);
        foreach (string word in bare.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        {
            if (result.Length > 0)
                result.Append(' ');
            result.Append(word);
        }
        return WebUtility.HtmlDecode(result.ToString());
    }

    private static string Remove(string text, string open, string close)
    {
        var result = new StringBuilder(text.Length);
        int at = 0;
        while (text.IndexOf(open, at, StringComparison.Ordinal) is var start and >= 0
            && text.IndexOf(close, start, StringComparison.Ordinal) is var end and >= 0)
        {
            result.Append(text, at, start - at);
            at = end + close.Length;
        }
        return result.Append(text, at, text.Length - at).ToString();
    }
}
