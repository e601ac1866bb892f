using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>
/// Unicode normalization forms D and KD (UAX #15) with the tables of Unicode 9.0. Source ranges as in <see cref="NfcNormalizer"/>: of what a code point becomes,
/// the first stands for it and the others are inserted after it; marks keep theirs when they are put in order.
/// </summary>
/// <param name="compatibility">True for form KD.</param>
internal sealed class DecomposingNormalizer(bool compatibility) : Normalizer
{
    // UTF-8 of U+00A0, the first code point that either form changes, begins with 0xC2.
    private const byte FirstLeadThatMatters = 0xC2;

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<byte> bytes = text.Bytes;
        if (bytes.IndexOfAnyInRange(FirstLeadThatMatters, (byte)0xFF) < 0)
            return text;
        var builder = new AlignedTextBuilder(text);
        var pending = new List<(int CodePoint, int Count, int Class)>();
        for (int i = 0; i < bytes.Length;)
        {
            int count = 1;
            Decompose(Utf8.CodePointAt(bytes, i, out int length), ref count, pending, builder);
            i += length;
        }
        Write(pending, builder);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = compatibility ? "NFKD" : "NFD" };

    private void Decompose(int codePoint, ref int count, List<(int CodePoint, int Count, int Class)> pending, AlignedTextBuilder builder)
    {
        if (compatibility && CompatibilityData.TryDecompose(codePoint, out ReadOnlySpan<int> parts))
        {
            foreach (int part in parts)
                Decompose(part, ref count, pending, builder);
            return;
        }
        if (CanonicalData.Instance.TryDecompose(codePoint, out int first, out int second))
        {
            Decompose(first, ref count, pending, builder);
            if (second >= 0)
                Decompose(second, ref count, pending, builder);
            return;
        }
        int combiningClass = CanonicalData.Instance.CombiningClass(codePoint);
        if (combiningClass == 0)
            Write(pending, builder);
        pending.Add((codePoint, count, combiningClass));
        count = 0;
    }

    // A starter and the marks after it, in canonical order.
    private static void Write(List<(int CodePoint, int Count, int Class)> pending, AlignedTextBuilder builder)
    {
        if (pending.Count > 2)
        {
            (int CodePoint, int Count, int Class)[] sorted = [.. pending.OrderBy(item => item.Class)];
            pending.Clear();
            pending.AddRange(sorted);
        }
        else if (pending.Count == 2 && pending[0].Class > pending[1].Class)
        {
            (pending[0], pending[1]) = (pending[1], pending[0]);
        }
        foreach ((int codePoint, int count, _) in pending)
            builder.Write(codePoint, count);
        pending.Clear();
    }
}
