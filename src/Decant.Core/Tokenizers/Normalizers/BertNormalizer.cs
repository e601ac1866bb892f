using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>BERT's basic tokenizer as far as it rewrites text (Devlin et al. 2018): controls, spaces, Chinese characters, accents, case.</summary>
/// <param name="cleansText">True to leave out controls and make every white space a space.</param>
/// <param name="padsChinese">True to put spaces around Chinese characters.</param>
/// <param name="stripsAccents">True to leave out accents; null: if it lowercases.</param>
/// <param name="lowercases">True to lowercase.</param>
internal sealed class BertNormalizer(bool cleansText, bool padsChinese, bool? stripsAccents, bool lowercases) : Normalizer
{
    private readonly Normalizer[] accentsAndCase =
    [
        .. stripsAccents ?? lowercases ? (Normalizer[])[new DecomposingNormalizer(compatibility: false), FilterNormalizer.StripNonSpacing] : [],
        .. lowercases ? (Normalizer[])[new LowercaseNormalizer()] : [],
    ];

    /// <summary>True if controls are left out and every white space becomes a space.</summary>
    public bool CleansText => cleansText;

    /// <summary>True if spaces are put around Chinese characters.</summary>
    public bool PadsChinese => padsChinese;

    /// <summary>True if accents are left out; null: if it lowercases.</summary>
    public bool? StripsAccents => stripsAccents;

    /// <summary>True if it lowercases.</summary>
    public bool Lowercases => lowercases;

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        if (cleansText)
            text = Clean(text);
        if (padsChinese)
            text = Pad(text);
        foreach (Normalizer part in accentsAndCase)
            text = part.Normalize(text);
        return text;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "BertNormalizer",
        ["clean_text"] = cleansText,
        ["handle_chinese_chars"] = padsChinese,
        ["strip_accents"] = stripsAccents,
        ["lowercase"] = lowercases,
    };

    private static AlignedText Clean(AlignedText text)
    {
        AlignedTextBuilder? builder = null;
        ReadOnlySpan<byte> bytes = text.Bytes;
        for (int i = 0; i < bytes.Length;)
        {
            if (bytes[i] is >= 0x20 and < 0x7F)
            {
                i++;
                continue;
            }
            int codePoint = Utf8.CodePointAt(bytes, i, out int length);
            if (OlderCategories.IsControl(codePoint))
            {
                builder ??= new AlignedTextBuilder(text);
                builder.CopyUpTo(i);
                builder.SeekTo(i + length);
            }
            else if ((CodePointClasses.Of(codePoint) & CodePointClass.WhiteSpace) != 0)
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

    private static AlignedText Pad(AlignedText text)
    {
        AlignedTextBuilder? builder = null;
        ReadOnlySpan<byte> bytes = text.Bytes;
        for (int i = 0; i < bytes.Length;)
        {
            // U+3400, the first, begins with 0xE3.
            if (bytes[i] < 0xE3)
            {
                i += Utf8.LengthOf(bytes[i]);
                continue;
            }
            int codePoint = Utf8.CodePointAt(bytes, i, out int length);
            if (IsChinese(codePoint))
            {
                builder ??= new AlignedTextBuilder(text);
                builder.CopyUpTo(i);
                builder.Write(' ', 1);
                builder.Write(codePoint, 0);
                builder.Write(' ', 0);
            }
            i += length;
        }
        if (builder is null)
            return text;
        builder.CopyUpTo(text.Length);
        return builder.ToText();
    }

    // The blocks that the reference pads.
    private static bool IsChinese(int codePoint) => codePoint is >= 0x3400 and <= 0x4DBF or >= 0x4E00 and <= 0x9FFF or >= 0xF900 and <= 0xFAFF
        or >= 0x20000 and <= 0x2A6DF or >= 0x2A700 and <= 0x2B81F or >= 0x2B920 and <= 0x2CEAF or >= 0x2F800 and <= 0x2FA1F;
}
