using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>
/// Unicode normalization forms C and KC (UAX #15) with the tables of Unicode 9.0. Source ranges: the first code point of a decomposition stands for
/// its source code point and the others are inserted after it; composing two adds their counts, so a composite covers the first of the
/// code points it was made of and the others are left out; marks keep their counts when they are put in order.
/// </summary>
/// <param name="compatibility">True for form KC.</param>
internal sealed class NfcNormalizer(bool compatibility = false) : Normalizer
{
    // UTF-8 of U+0300, the first code point that NFC can change, begins with 0xCC.
    private const byte FirstLeadThatMatters = 0xCC;
    // And U+00A0, the first that NFKC can.
    private const byte FirstLeadOfCompatibility = 0xC2;

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<byte> bytes = text.Bytes;
        if (bytes.IndexOfAnyInRange(compatibility ? FirstLeadOfCompatibility : FirstLeadThatMatters, (byte)0xFF) < 0 || !compatibility && IsNormalized(bytes))
            return text;
        var builder = new AlignedTextBuilder(text);
        var segment = new Segment(CanonicalData.Instance, compatibility);
        for (int i = 0; i < bytes.Length;)
        {
            segment.Add(Utf8.CodePointAt(bytes, i, out int length), builder);
            i += length;
        }
        segment.Finish(builder);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = compatibility ? "NFKC" : "NFC" };

    private static bool IsNormalized(ReadOnlySpan<byte> bytes)
    {
        CanonicalData data = CanonicalData.Instance;
        int previousClass = 0;
        for (int i = 0; i < bytes.Length;)
        {
            if (bytes[i] < FirstLeadThatMatters)
            {
                previousClass = 0;
                i += Utf8.LengthOf(bytes[i]);
                continue;
            }
            int codePoint = Utf8.CodePointAt(bytes, i, out int length);
            int combiningClass = data.CombiningClass(codePoint);
            if (data.MayChange(codePoint) || combiningClass != 0 && combiningClass < previousClass)
                return false;
            previousClass = combiningClass;
            i += length;
        }
        return true;
    }

    /// <summary>One starter and what follows it up to the next starter that does not compose with it. A count is the number of source code
    /// points that an entry replaces, minus one for each it must give back: 1 replaces one, 0 is inserted, 2 replaces two, and so on.</summary>
    private sealed class Segment(CanonicalData data, bool compatibility)
    {
        private readonly List<(int CodePoint, int Count, int Class)> marks = [];
        private readonly List<(int CodePoint, int Count, int Class)> kept = [];
        private int starter = -1;
        private int starterCount;

        public void Add(int codePoint, AlignedTextBuilder builder)
        {
            int count = 1;
            Decompose(codePoint, ref count, builder);
        }

        public void Finish(AlignedTextBuilder builder)
        {
            Compose();
            if (starter >= 0)
                builder.Write(starter, starterCount);
            foreach ((int codePoint, int count, _) in kept)
                builder.Write(codePoint, count);
            kept.Clear();
            starter = -1;
        }

        private void Decompose(int codePoint, ref int count, AlignedTextBuilder builder)
        {
            if (compatibility && CompatibilityData.TryDecompose(codePoint, out ReadOnlySpan<int> parts))
            {
                foreach (int part in parts)
                    Decompose(part, ref count, builder);
                return;
            }
            if (data.TryDecompose(codePoint, out int first, out int second))
            {
                Decompose(first, ref count, builder);
                if (second >= 0)
                    Decompose(second, ref count, builder);
                return;
            }
            Append(codePoint, count, builder);
            count = 0;
        }

        private void Append(int codePoint, int count, AlignedTextBuilder builder)
        {
            int combiningClass = data.CombiningClass(codePoint);
            if (combiningClass != 0)
            {
                marks.Add((codePoint, count, combiningClass));
                return;
            }
            Compose();
            if (starter >= 0 && kept.Count == 0 && data.Compose(starter, codePoint) is >= 0 and int composite)
            {
                starter = composite;
                starterCount += count;
                return;
            }
            Finish(builder);
            starter = codePoint;
            starterCount = count;
        }

        /// <summary>Puts the pending marks in canonical order and lets the starter take those that are not blocked.</summary>
        private void Compose()
        {
            if (marks.Count == 0)
                return;
            SortStably();
            int lastClass = 0;
            foreach ((int codePoint, int count, int combiningClass) in marks)
            {
                if (starter >= 0 && lastClass < combiningClass && data.Compose(starter, codePoint) is >= 0 and int composite)
                {
                    starter = composite;
                    starterCount += count;
                    continue;
                }
                kept.Add((codePoint, count, combiningClass));
                lastClass = combiningClass;
            }
            marks.Clear();
        }

        private void SortStably()
        {
            if (marks.Count < 2)
                return;
            (int CodePoint, int Count, int Class)[] sorted = [.. marks.OrderBy(m => m.Class)];
            marks.Clear();
            marks.AddRange(sorted);
        }
    }
}
