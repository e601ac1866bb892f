namespace Decant.Core.Tokenizers.Unicode;

/// <summary>Code points of UTF-8 that is known to be well formed (it was encoded here from a .NET string).</summary>
internal static class Utf8
{
    /// <summary>The code point that starts at <paramref name="index"/> and its length in bytes.</summary>
    public static int CodePointAt(ReadOnlySpan<byte> text, int index, out int byteCount)
    {
        byte lead = text[index];
        if (lead < 0x80)
        {
            byteCount = 1;
            return lead;
        }
        if (lead < 0xE0)
        {
            byteCount = 2;
            return (lead & 0x1F) << 6 | (text[index + 1] & 0x3F);
        }
        if (lead < 0xF0)
        {
            byteCount = 3;
            return (lead & 0x0F) << 12 | (text[index + 1] & 0x3F) << 6 | (text[index + 2] & 0x3F);
        }
        byteCount = 4;
        return (lead & 0x07) << 18 | (text[index + 1] & 0x3F) << 12 | (text[index + 2] & 0x3F) << 6 | (text[index + 3] & 0x3F);
    }

    /// <summary>The code point that ends just before <paramref name="end"/> and its length in bytes.</summary>
    public static int CodePointBefore(ReadOnlySpan<byte> text, int end, out int byteCount)
    {
        int start = end - 1;
        while ((text[start] & 0xC0) == 0x80)
            start--;
        return CodePointAt(text, start, out byteCount);
    }

    /// <summary>The length in bytes of the code point whose first byte this is.</summary>
    public static int LengthOf(byte lead) => lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;

    /// <summary>The length in bytes of a code point.</summary>
    public static int LengthOf(int codePoint) => codePoint < 0x80 ? 1 : codePoint < 0x800 ? 2 : codePoint < 0x10000 ? 3 : 4;

    /// <summary>Writes a code point; returns the number of bytes.</summary>
    public static int Write(int codePoint, Span<byte> destination)
    {
        switch (LengthOf(codePoint))
        {
            case 1:
                destination[0] = (byte)codePoint;
                return 1;
            case 2:
                destination[0] = (byte)(0xC0 | codePoint >> 6);
                destination[1] = (byte)(0x80 | codePoint & 0x3F);
                return 2;
            case 3:
                destination[0] = (byte)(0xE0 | codePoint >> 12);
                destination[1] = (byte)(0x80 | codePoint >> 6 & 0x3F);
                destination[2] = (byte)(0x80 | codePoint & 0x3F);
                return 3;
            default:
                destination[0] = (byte)(0xF0 | codePoint >> 18);
                destination[1] = (byte)(0x80 | codePoint >> 12 & 0x3F);
                destination[2] = (byte)(0x80 | codePoint >> 6 & 0x3F);
                destination[3] = (byte)(0x80 | codePoint & 0x3F);
                return 4;
        }
    }
}
