using System.Text;
using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>What SentencePiece's own normalizer does besides mapping characters.</summary>
/// <param name="AddsSpace">True to put a space before a text, or behind it.</param>
/// <param name="PutsSpaceLast">True for behind it.</param>
/// <param name="RemovesExtraSpaces">True to leave out spaces at the ends and all but one of several together.</param>
/// <param name="EscapesSpaces">True to write ▁ for a space.</param>
internal sealed record SpaceRules(bool AddsSpace = true, bool PutsSpaceLast = false, bool RemovesExtraSpaces = true, bool EscapesSpaces = true);

/// <summary>
/// SentencePiece's normalizer (Kudo and Richardson 2018): the longest string of the <see cref="CharacterMap"/> at each place is replaced, user-defined pieces
/// stay as they are, then spaces are treated. <see cref="PrecompiledNormalizer"/> is what the tokenizers library makes of the same map.
/// </summary>
/// <param name="map">The map, or null for none.</param>
/// <param name="kept">Strings that stay as they are, or null for none.</param>
/// <param name="rules">What becomes of spaces.</param>
internal sealed class SentencePieceNormalizer(CharacterMap? map, PieceTrie? kept, SpaceRules rules) : Normalizer
{
    private const string Mark = "\u2581";

    private readonly byte[] space = Encoding.UTF8.GetBytes(rules.EscapesSpaces ? Mark : " ");

    /// <summary>The map of characters, or null for none.</summary>
    public CharacterMap? Map => map;

    /// <summary>What becomes of spaces.</summary>
    public SpaceRules Rules => rules;

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<byte> bytes = text.Bytes;
        int start = rules.RemovesExtraSpaces ? SkipSpaces(bytes) : 0;
        if (start == bytes.Length)
            return text.Slice(start, 0);
        var builder = new AlignedTextBuilder(text);
        builder.SeekTo(start);
        if (rules is { AddsSpace: true, PutsSpaceLast: false })
            builder.InsertBefore(space);
        bool isAfterSpace = rules.RemovesExtraSpaces;
        for (int i = start; i < bytes.Length;)
        {
            int length = Next(bytes[i..], out ReadOnlySpan<byte> piece, out bool isChanged);
            if (!isChanged && !piece.Contains((byte)' '))
            {
                isAfterSpace = false;
                i += length;
                continue;
            }
            builder.CopyUpTo(i);
            Write(piece, length, builder, ref isAfterSpace);
            i += length;
        }
        builder.CopyUpTo(bytes.Length);
        if (rules.RemovesExtraSpaces)
            builder.TrimEnd(space);
        if (rules is { AddsSpace: true, PutsSpaceLast: true })
            builder.InsertBefore(space);
        return builder.ToText();
    }

    /// <summary>The nearest that tokenizer.json can say: the library works by graphemes, and knows no strings that stay as they are.</summary>
    public override JsonObject ToJson()
    {
        var parts = new List<Normalizer>();
        if (map is not null)
            parts.Add(new PrecompiledNormalizer(map));
        if (rules.RemovesExtraSpaces)
            parts.AddRange([new StripNormalizer(left: true, right: true), new SpacesNormalizer(" ")]);
        if (rules is { AddsSpace: true, PutsSpaceLast: false })
            parts.Add(new PrependNormalizer(rules.EscapesSpaces ? Mark : " "));
        if (rules.EscapesSpaces)
            parts.Add(new ReplaceNormalizer(" ", Mark));
        return new SequenceNormalizer(parts).ToJson();
    }

    // Spaces, and what the map makes one.
    private int SkipSpaces(ReadOnlySpan<byte> bytes)
    {
        int start = 0;
        while (start < bytes.Length)
        {
            int length = Next(bytes[start..], out ReadOnlySpan<byte> piece, out _);
            if (!piece.SequenceEqual(" "u8))
                break;
            start += length;
        }
        return start;
    }

    private void Write(ReadOnlySpan<byte> piece, int sourceLength, AlignedTextBuilder builder, ref bool isAfterSpace)
    {
        if (isAfterSpace)
            piece = piece.TrimStart((byte)' ');
        if (piece.IsEmpty)
        {
            builder.ReplaceWhole(sourceLength, piece);
            return;
        }
        isAfterSpace = rules.RemovesExtraSpaces && piece[^1] == (byte)' ';
        if (!piece.Contains((byte)' '))
        {
            builder.ReplaceWhole(sourceLength, piece);
            return;
        }
        if (piece.Length == 1)
        {
            builder.ReplaceWhole(sourceLength, space);
            return;
        }
        var written = new List<byte>(piece.Length * 3);
        foreach (byte b in piece)
        {
            if (b == (byte)' ')
                written.AddRange(space);
            else
                written.Add(b);
        }
        builder.ReplaceWhole(sourceLength, System.Runtime.InteropServices.CollectionsMarshal.AsSpan(written));
    }

    // What the text begins with as one unit: its length, and what it becomes.
    private int Next(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> piece, out bool isChanged)
    {
        isChanged = false;
        int length = kept?.LongestPrefix(text) ?? 0;
        if (length == 0 && map is not null)
        {
            length = map.FindLongest(text, out piece);
            isChanged = length > 0;
            if (isChanged)
                return length;
        }
        if (length == 0)
            length = Utf8.LengthOf(text[0]);
        piece = text[..length];
        return length;
    }
}
