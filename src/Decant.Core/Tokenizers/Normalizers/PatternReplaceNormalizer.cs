using System.Text;
using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.PreTokenizers;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Replaces every match of a regular expression by a text, in which <c>$1</c> means nothing but itself.</summary>
/// <param name="pattern">The expression.</param>
/// <param name="content">The text.</param>
internal sealed class PatternReplaceNormalizer(CodePointPattern pattern, string content) : Normalizer
{
    private readonly byte[] contentUtf8 = Encoding.UTF8.GetBytes(content);

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        if (text.Length == 0)
            return text;
        var matches = new List<Word>();
        pattern.FindMatches(text.Bytes, matches);
        if (matches.Count == 0)
            return text;
        var builder = new AlignedTextBuilder(text);
        foreach (Word match in matches)
        {
            builder.CopyUpTo(match.Start);
            if (match.Length == 0)
                builder.InsertAfter(contentUtf8);
            else
                builder.Replace(match.Length, contentUtf8);
        }
        builder.CopyUpTo(text.Length);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Replace",
        ["pattern"] = new JsonObject { ["Regex"] = pattern.Source },
        ["content"] = content,
    };
}
