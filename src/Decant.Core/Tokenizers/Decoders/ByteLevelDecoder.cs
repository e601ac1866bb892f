using System.Text;
using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>
/// GPT-2's decoder: every character is a byte, and the bytes are UTF-8. A token with a character outside the alphabet (an added token with a
/// space in it) stands for its own UTF-8. Broken UTF-8 gives U+FFFD, one per maximal broken part.
/// </summary>
internal sealed class ByteLevelDecoder(bool addPrefixSpace, bool trimOffsets, bool useRegex) : TokenDecoder
{
    /// <inheritdoc/>
    public override string Decode(IEnumerable<string> tokens)
    {
        byte[] bytes = [];
        int count = 0;
        foreach (string token in tokens)
            AppendBytes(token, ref bytes, ref count);
        return Encoding.UTF8.GetString(bytes, 0, count);
    }

    /// <inheritdoc/>
    public override TokenStream Open() => new Stream();

    /// <inheritdoc/>
    public override JsonObject? ToJson() => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = addPrefixSpace,
        ["trim_offsets"] = trimOffsets,
        ["use_regex"] = useRegex,
    };

    private static void AppendBytes(string token, ref byte[] bytes, ref int count)
    {
        int needed = count + Encoding.UTF8.GetMaxByteCount(token.Length);
        if (needed > bytes.Length)
            Array.Resize(ref bytes, Math.Max(needed, bytes.Length * 2));
        int start = count;
        foreach (char character in token)
        {
            int value = ByteLevelAlphabet.ByteOf(character);
            if (value < 0)
            {
                count = start + Encoding.UTF8.GetBytes(token, bytes.AsSpan(start));
                return;
            }
            bytes[count++] = (byte)value;
        }
    }

    private sealed class Stream : TokenStream
    {
        private readonly Decoder utf8 = Encoding.UTF8.GetDecoder();
        private byte[] bytes = [];

        public override string Push(string token)
        {
            int count = 0;
            AppendBytes(token, ref bytes, ref count);
            return Convert(count, flush: false);
        }

        public override string Flush() => Convert(0, flush: true);

        private string Convert(int count, bool flush)
        {
            char[] characters = new char[Encoding.UTF8.GetMaxCharCount(count)];
            int length = utf8.GetChars(bytes, 0, count, characters, 0, flush);
            return new string(characters, 0, length);
        }
    }
}
