using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Lower case, code point by code point.</summary>
internal sealed class LowercaseNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        var builder = new AlignedTextBuilder(text);
        ReadOnlySpan<byte> bytes = text.Bytes;
        for (int i = 0; i < bytes.Length;)
        {
            int codePoint = Utf8.CodePointAt(bytes, i, out int length);
            builder.Write(LowerCase.Of(codePoint, out int second), 1);
            if (second >= 0)
                builder.Write(second, 0);
            i += length;
        }
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Lowercase" };
}
