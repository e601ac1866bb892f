using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>What SentencePiece's <c>nmt_</c> rules do before NFKC: controls are left out, spaces of every kind and characters without a width become spaces.</summary>
internal sealed class NmtNormalizer : Normalizer
{
    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        AlignedTextBuilder? builder = null;
        ReadOnlySpan<byte> bytes = text.Bytes;
        for (int i = 0; i < bytes.Length;)
        {
            int codePoint = Utf8.CodePointAt(bytes, i, out int length);
            if (IsLeftOut(codePoint))
            {
                builder ??= new AlignedTextBuilder(text);
                builder.CopyUpTo(i);
                builder.SeekTo(i + length);
            }
            else if (BecomesSpace(codePoint))
            {
                builder ??= new AlignedTextBuilder(text);
                builder.CopyUpTo(i);
                builder.Write(' ', 1);
            }
            i += length;
        }
        if (builder is null)
            return text;
        builder.CopyUpTo(text.Length);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Nmt" };

    private static bool IsLeftOut(int codePoint) => codePoint is (>= 0x01 and <= 0x08) or 0x0B or (>= 0x0E and <= 0x1F) or 0x7F or 0x8F or 0x9F;

    private static bool BecomesSpace(int codePoint) =>
        codePoint is 0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or (>= 0x200B and <= 0x200F) or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD;
}
