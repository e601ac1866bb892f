using System.Text;
using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Puts a string in front of every stretch of text that is not empty.</summary>
internal sealed class PrependNormalizer(string prefix) : Normalizer
{
    private readonly byte[] utf8 = Encoding.UTF8.GetBytes(prefix);

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        if (text.Length == 0)
            return text;
        var builder = new AlignedTextBuilder(text);
        builder.InsertBefore(utf8);
        builder.CopyUpTo(text.Length);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Prepend", ["prepend"] = prefix };
}
