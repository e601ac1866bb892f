using System.Buffers;
using System.Text;

namespace Decant.Core.Files;

/// <summary>
/// Strings of GGUF files. They ought to be UTF-8, but vocabularies with raw bytes exist, and metadata must survive a rewrite byte
/// for byte. A byte that belongs to no valid sequence becomes the lone low surrogate U+DC80 + (byte - 0x80), as in Python's
/// "surrogateescape" (PEP 383), which valid UTF-8 can never produce; encoding turns it back.
/// </summary>
internal static class GgufText
{
    private const char EscapeBase = '\uDC00';

    private static readonly UTF8Encoding strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Decodes bytes; never fails.</summary>
    public static string Decode(ReadOnlySpan<byte> bytes)
    {
        if (System.Text.Unicode.Utf8.IsValid(bytes))
            return strict.GetString(bytes);
        var text = new StringBuilder(bytes.Length);
        Span<char> characters = stackalloc char[2];
        while (!bytes.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(bytes, out Rune rune, out int consumed) == OperationStatus.Done)
            {
                text.Append(characters[..rune.EncodeToUtf16(characters)]);
            }
            else
            {
                // Every byte of an invalid sequence is at least 0x80: ASCII is always valid by itself.
                foreach (byte b in bytes[..consumed])
                    text.Append((char)(EscapeBase + b));
            }
            bytes = bytes[consumed..];
        }
        return text.ToString();
    }

    /// <summary>Encodes text that <see cref="Decode"/> gave, or any ordinary text.</summary>
    /// <exception cref="ArgumentException">A lone surrogate that stands for no byte.</exception>
    public static byte[] Encode(string text)
    {
        if (!HasLoneSurrogate(text))
            return strict.GetBytes(text);
        var bytes = new ArrayBufferWriter<byte>(text.Length + 16);
        for (int i = 0; i < text.Length;)
        {
            if (Rune.TryGetRuneAt(text, i, out Rune rune))
            {
                bytes.Advance(rune.EncodeToUtf8(bytes.GetSpan(4)));
                i += rune.Utf16SequenceLength;
                continue;
            }
            int value = text[i++] - EscapeBase;
            if (value is < 0x80 or > 0xFF)
                throw new ArgumentException($"The text holds the lone surrogate U+{text[i - 1] + 0:X4}, which UTF-8 cannot express.", nameof(text));
            bytes.GetSpan(1)[0] = (byte)value;
            bytes.Advance(1);
        }
        return bytes.WrittenSpan.ToArray();
    }

    private static bool HasLoneSurrogate(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]))
                i++;
            else
                return true;
        }
        return false;
    }
}
