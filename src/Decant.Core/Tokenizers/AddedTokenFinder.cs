using System.Buffers;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers;

/// <summary>A stretch of text: an added token, or text between added tokens (token null).</summary>
/// <param name="Token">The token, or null.</param>
/// <param name="Start">First byte.</param>
/// <param name="Length">Length in bytes.</param>
internal readonly record struct Stretch(AddedToken? Token, int Start, int Length);

/// <summary>
/// Finds added tokens: leftmost-longest, without overlap, in one pass; the flags are looked at after that, as the reference does, so a
/// longest match that single_word refuses hides shorter ones.
/// </summary>
internal sealed class AddedTokenFinder
{
    // Beside a byte, a node's number fills 32 bits.
    private const int MostNodes = 1 << 24;

    private readonly List<AddedToken?> tokenOfNode = [null];
    private readonly Dictionary<int, int> children = [];
    private readonly SearchValues<byte> firstBytes;

    /// <summary>Builds the trie. Of several tokens with one pattern the first wins.</summary>
    /// <param name="tokens">The tokens.</param>
    /// <param name="pattern">What to look for, for each token: its name, or its normalized name.</param>
    /// <param name="location">The file, for messages.</param>
    /// <param name="mostNodes">The most bytes that the patterns may have, beginnings in common counted once.</param>
    /// <exception cref="NotSupportedModelException">They have more.</exception>
    public AddedTokenFinder(IEnumerable<AddedToken> tokens, Func<AddedToken, string> pattern, string location, int mostNodes = MostNodes)
    {
        Span<byte> first = stackalloc byte[256];
        int firstCount = 0;
        foreach (AddedToken token in tokens)
        {
            byte[] bytes = Encoding.UTF8.GetBytes(pattern(token));
            if (bytes.Length == 0)
                continue;
            if (!first[..firstCount].Contains(bytes[0]))
                first[firstCount++] = bytes[0];
            int node = 0;
            foreach (byte b in bytes)
            {
                int edge = node << 8 | b;
                if (!children.TryGetValue(edge, out int child))
                {
                    child = tokenOfNode.Count;
                    if (child >= mostNodes)
                        throw new NotSupportedModelException($"{location}: the names of the added tokens have more than {mostNodes} bytes in all.");
                    tokenOfNode.Add(null);
                    children.Add(edge, child);
                }
                node = child;
            }
            tokenOfNode[node] ??= token;
        }
        firstBytes = SearchValues.Create(first[..firstCount]);
    }

    /// <summary>True if there is nothing to find.</summary>
    public bool IsEmpty => children.Count == 0;

    /// <summary>Cuts a text into added tokens and what is between them; the stretches cover it, and can overlap where an added token made of
    /// spaces is found in spaces that the one before has swallowed.</summary>
    public void Split(ReadOnlySpan<byte> text, List<Stretch> stretches)
    {
        int done = 0;
        int searchFrom = 0;
        while (!IsEmpty && TryFind(text, searchFrom, out int start, out int end, out AddedToken? token))
        {
            searchFrom = end;
            if (token!.SingleWord && (EndsWithWord(text[..start]) || StartsWithWord(text[end..])))
                continue;
            if (token.StripsLeft)
                start = Math.Min(Math.Max(SpacesBefore(text, start), done), end);
            if (token.StripsRight)
                end = SpacesAfter(text, end);
            if (done < start)
                stretches.Add(new Stretch(null, done, start - done));
            stretches.Add(new Stretch(token, start, end - start));
            done = end;
        }
        if (done < text.Length)
            stretches.Add(new Stretch(null, done, text.Length - done));
    }

    private bool TryFind(ReadOnlySpan<byte> text, int from, out int start, out int end, out AddedToken? token)
    {
        for (start = from; start < text.Length; start++)
        {
            int step = text[start..].IndexOfAny(firstBytes);
            if (step < 0)
                break;
            start += step;
            int node = 0;
            (end, token) = (0, null);
            for (int i = start; i < text.Length && children.TryGetValue(node << 8 | text[i], out node); i++)
            {
                if (tokenOfNode[node] is { } found)
                    (end, token) = (i + 1, found);
            }
            if (token is not null)
                return true;
        }
        (start, end, token) = (0, 0, null);
        return false;
    }

    private static bool EndsWithWord(ReadOnlySpan<byte> text) =>
        text.Length > 0 && CodePointClasses.Of(Utf8.CodePointBefore(text, text.Length, out _)).HasFlag(CodePointClass.Word);

    private static bool StartsWithWord(ReadOnlySpan<byte> text) =>
        text.Length > 0 && CodePointClasses.Of(Utf8.CodePointAt(text, 0, out _)).HasFlag(CodePointClass.Word);

    private static int SpacesBefore(ReadOnlySpan<byte> text, int end)
    {
        while (end > 0 && CodePointClasses.Of(Utf8.CodePointBefore(text, end, out int length)).HasFlag(CodePointClass.WhiteSpace))
            end -= length;
        return end;
    }

    private static int SpacesAfter(ReadOnlySpan<byte> text, int start)
    {
        while (start < text.Length && CodePointClasses.Of(Utf8.CodePointAt(text, start, out int length)).HasFlag(CodePointClass.WhiteSpace))
            start += length;
        return start;
    }
}
