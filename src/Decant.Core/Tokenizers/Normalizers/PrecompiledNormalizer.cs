using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>
/// SentencePiece's normalization by a <see cref="CharacterMap"/>, as the reference tokenizers apply it: grapheme cluster by grapheme cluster if one is shorter
/// than six bytes and begins with a string of the map, else code point by code point.
/// </summary>
/// <param name="map">The map.</param>
internal sealed class PrecompiledNormalizer(CharacterMap map) : Normalizer
{
    private const int LongestWholeCluster = 5;

    /// <summary>The map.</summary>
    public CharacterMap Map => map;

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        ReadOnlySpan<byte> bytes = text.Bytes;
        var changes = new List<(int CodePoint, int Count)>(bytes.Length);
        bool isChanged = false;
        for (int i = 0; i < bytes.Length;)
        {
            int length = ClusterLength(bytes[i..]);
            ReadOnlySpan<byte> cluster = bytes.Slice(i, length);
            if (length <= LongestWholeCluster && map.TryFind(cluster, out ReadOnlySpan<byte> whole))
            {
                Replace(cluster, whole, changes);
                isChanged = true;
            }
            else
            {
                isChanged |= ReplaceEach(cluster, changes);
            }
            i += length;
        }
        if (!isChanged)
            return text;
        var builder = new AlignedTextBuilder(text);
        foreach ((int codePoint, int count) in changes)
            builder.Write(codePoint, count);
        return builder.ToText();
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Precompiled", ["precompiled_charsmap"] = Convert.ToBase64String(map.Encoded) };

    private bool ReplaceEach(ReadOnlySpan<byte> cluster, List<(int CodePoint, int Count)> changes)
    {
        bool isChanged = false;
        for (int i = 0; i < cluster.Length;)
        {
            int codePoint = Utf8.CodePointAt(cluster, i, out int length);
            if (map.TryFind(cluster.Slice(i, length), out ReadOnlySpan<byte> replacement))
            {
                Replace(cluster.Slice(i, length), replacement, changes);
                isChanged = true;
            }
            else
            {
                changes.Add((codePoint, 1));
            }
            i += length;
        }
        return isChanged;
    }

    // The first code points replace one each; more are inserted, and of fewer the last replaces the rest. A string that becomes nothing is left to the code
    // point written before it, and at the start of a text to nobody: then all that follow stand for their predecessors, as in the reference.
    private static void Replace(ReadOnlySpan<byte> source, ReadOnlySpan<byte> replacement, List<(int CodePoint, int Count)> changes)
    {
        int sourceCount = Count(source), written = 0;
        for (int i = 0; i < replacement.Length;)
        {
            int codePoint = Utf8.CodePointAt(replacement, i, out int length);
            changes.Add((codePoint, written++ < sourceCount ? 1 : 0));
            i += length;
        }
        if (written < sourceCount && changes.Count > 0)
            changes[^1] = changes[^1] with { Count = changes[^1].Count + sourceCount - written };
    }

    private static int Count(ReadOnlySpan<byte> utf8)
    {
        int count = 0;
        foreach (byte b in utf8)
            count += (b & 0xC0) == 0x80 ? 0 : 1;
        return count;
    }

    // An extended grapheme cluster (UAX #29), in bytes. Between two ASCII characters there is a boundary but for CR LF.
    private static int ClusterLength(ReadOnlySpan<byte> text)
    {
        if (text[0] < 0x80 && (text.Length == 1 || text[1] < 0x80))
            return text[0] == '\r' && text.Length > 1 && text[1] == '\n' ? 2 : 1;
        // Clusters are short; one that is cut off here is longer than a string of the map can be.
        const int Longest = 128;
        ReadOnlySpan<byte> head = text;
        if (head.Length > Longest)
        {
            int end = Longest;
            while ((text[end] & 0xC0) == 0x80)
                end--;
            head = text[..end];
        }
        Span<char> characters = stackalloc char[Longest];
        int length = Encoding.UTF8.GetChars(head, characters);
        int cluster = StringInfo.GetNextTextElementLength(characters[..length]);
        return Encoding.UTF8.GetByteCount(characters[..cluster]);
    }
}
