using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Leaves out white space at the ends.</summary>
/// <param name="left">True for the start.</param>
/// <param name="right">True for the end.</param>
internal sealed class StripNormalizer(bool left, bool right) : Normalizer
{
    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<byte> bytes = text.Bytes;
        int start = 0, end = bytes.Length;
        while (left && start < end && IsWhiteSpace(bytes, start, out int length))
            start += length;
        while (right && end > start)
        {
            int last = end - 1;
            while ((bytes[last] & 0xC0) == 0x80)
                last--;
            if (!IsWhiteSpace(bytes, last, out _))
                break;
            end = last;
        }
        return start == 0 && end == bytes.Length ? text : text.Slice(start, end - start);
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Strip", ["strip_left"] = left, ["strip_right"] = right };

    private static bool IsWhiteSpace(ReadOnlySpan<byte> bytes, int index, out int length) =>
        (CodePointClasses.Of(Utf8.CodePointAt(bytes, index, out length)) & CodePointClass.WhiteSpace) != 0;
}
