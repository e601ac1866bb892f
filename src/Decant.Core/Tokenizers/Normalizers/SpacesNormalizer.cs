using System.Text;
using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Replaces runs of two and more spaces: the one regular expression, <c> {2,}</c>, that converted SentencePiece vocabularies have in a Replace.</summary>
/// <param name="content">By what.</param>
internal sealed class SpacesNormalizer(string content) : Normalizer
{
    /// <summary>The expression.</summary>
    public const string Pattern = " {2,}";

    private readonly byte[] contentUtf8 = Encoding.UTF8.GetBytes(content);

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<byte> bytes = text.Bytes;
        int match = bytes.IndexOf("  "u8);
        if (match < 0)
            return text;
        var builder = new AlignedTextBuilder(text);
        int position = 0;
        for (int step = match; step >= 0; step = bytes[position..].IndexOf("  "u8))
        {
            builder.CopyUpTo(position + step);
            position += step;
            int end = position;
            while (end < bytes.Length && bytes[end] == (byte)' ')
                end++;
            builder.Replace(end - position, contentUtf8);
            position = end;
        }
        builder.CopyUpTo(text.Length);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Replace",
        ["pattern"] = new JsonObject { ["Regex"] = Pattern },
        ["content"] = content,
    };
}
