using System.Text;
using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Replaces every occurrence of a string, left to right, by another.</summary>
internal sealed class ReplaceNormalizer(string pattern, string content) : Normalizer
{
    private readonly byte[] patternUtf8 = Encoding.UTF8.GetBytes(pattern);
    private readonly byte[] contentUtf8 = Encoding.UTF8.GetBytes(content);

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<byte> bytes = text.Bytes;
        int match = bytes.IndexOf(patternUtf8);
        if (match < 0)
            return text;
        var builder = new AlignedTextBuilder(text);
        int position = 0;
        for (int step = match; step >= 0; step = bytes[position..].IndexOf(patternUtf8))
        {
            builder.CopyUpTo(position + step);
            builder.Replace(patternUtf8.Length, contentUtf8);
            position += step + patternUtf8.Length;
        }
        builder.CopyUpTo(text.Length);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Replace",
        ["pattern"] = new JsonObject { ["String"] = pattern },
        ["content"] = content,
    };
}
