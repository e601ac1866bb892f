using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Parts digits (every numeric code point) from the rest, one by one or in runs.</summary>
internal sealed class DigitsPreTokenizer(bool individualDigits) : PreTokenizer, ISplitter
{
    /// <inheritdoc/>
    public override void Apply(WordList words) => words.Split(this);

    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        bool isDigit = IsDigit(text, start, out int length);
        int end = start + length;
        if (isDigit && individualDigits)
            return end;
        while (end < text.Length && IsDigit(text, end, out length) == isDigit)
            end += length;
        return end;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Digits", ["individual_digits"] = individualDigits };

    private static bool IsDigit(ReadOnlySpan<byte> text, int index, out int length)
    {
        byte lead = text[index];
        if (lead < 0x80)
        {
            length = 1;
            return lead is >= (byte)'0' and <= (byte)'9';
        }
        return (CodePointClasses.Of(Utf8.CodePointAt(text, index, out length)) & CodePointClass.Digit) != 0;
    }
}
