using System.Text;

namespace Decant.Core.Tokenizers.Models;

/// <summary>
/// Tells whether any merge could ever join two neighbouring symbols: some merge has a left token that ends with the first and a right token
/// that begins with the second. "No" is certain, "yes" may be wrong (a hashed bit set), which only makes a part longer than it need be.
/// </summary>
internal sealed class JunctionFilter
{
    private const int Bits = 20;

    private readonly ulong[] set = new ulong[1 << Bits - 6];

    /// <summary>Collects the junctions of all merges.</summary>
    public JunctionFilter(Merge[] merges, ModelVocabulary vocabulary, BpeSymbols symbols)
    {
        Span<int> lasts = stackalloc int[3];
        Span<int> firsts = stackalloc int[3];
        foreach (Merge merge in merges)
        {
            Edges(merge.Left, vocabulary, symbols, atEnd: true, lasts);
            Edges(merge.Right, vocabulary, symbols, atEnd: false, firsts);
            foreach (int last in lasts)
            {
                foreach (int first in firsts)
                    Add(last, first);
            }
        }
    }

    /// <summary>False if no merge can ever reach across.</summary>
    public bool MayMerge(int left, int right)
    {
        uint bit = BitOf(left, right);
        return (set[bit >> 6] >> (int)(bit & 63) & 1) != 0;
    }

    /// <summary>The symbols a token may begin or end with: itself, its outermost character, and its outermost byte token.</summary>
    private static void Edges(int id, ModelVocabulary vocabulary, BpeSymbols symbols, bool atEnd, Span<int> edges)
    {
        edges.Fill(id);
        if (vocabulary.FindText(id) is not { Length: > 0 } text)
            return;
        if (symbols.IsByteLevel)
        {
            int value = ByteLevelAlphabet.ByteOf(atEnd ? text[^1] : text[0]);
            if (value >= 0)
                edges[1] = symbols.OfByte((byte)value);
            return;
        }
        Rune rune;
        if (atEnd)
            Rune.DecodeLastFromUtf16(text, out rune, out _);
        else
            Rune.DecodeFromUtf16(text, out rune, out _);
        edges[1] = symbols.OfCodePoint(rune.Value);
        ReadOnlySpan<char> name = text.Length < 6 ? "" : atEnd ? text.AsSpan(text.Length - 6) : text.AsSpan(0, 6);
        if (ByteTokens.TryParse(name, out byte b))
            edges[2] = symbols.ByteToken(b);
    }

    private void Add(int left, int right)
    {
        uint bit = BitOf(left, right);
        set[bit >> 6] |= 1UL << (int)(bit & 63);
    }

    private static uint BitOf(int left, int right) =>
        (uint)((((ulong)(uint)left << 32 | (uint)right) ^ (uint)left * 0x85EBCA6BUL) * 0x9E3779B97F4A7C15 >> 64 - Bits);
}
