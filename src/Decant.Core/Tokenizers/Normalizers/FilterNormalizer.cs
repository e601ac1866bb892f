using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Leaves out code points.</summary>
/// <param name="removes">Which.</param>
/// <param name="type">What tokenizer.json calls it.</param>
internal sealed class FilterNormalizer(Func<int, bool> removes, string type) : Normalizer
{
    /// <summary>Accents: marks of every kind.</summary>
    public static FilterNormalizer StripAccents { get; } = new(OlderCategories.IsMark, "StripAccents");

    /// <summary>BERT's accents: non-spacing marks.</summary>
    public static FilterNormalizer StripNonSpacing { get; } = new(OlderCategories.IsNonSpacingMark, "");

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        AlignedTextBuilder? builder = null;
        ReadOnlySpan<byte> bytes = text.Bytes;
        for (int i = 0; i < bytes.Length;)
        {
            if (bytes[i] < 0x80)
            {
                i++;
                continue;
            }
            if (removes(Utf8.CodePointAt(bytes, i, out int length)))
            {
                builder ??= new AlignedTextBuilder(text);
                builder.CopyUpTo(i);
                builder.SeekTo(i + length);
            }
            i += length;
        }
        if (builder is null)
            return text;
        builder.CopyUpTo(text.Length);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = type };
}
