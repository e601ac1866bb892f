using System.Buffers.Binary;

namespace Decant.Testing;

/// <summary>
/// Damages files for parsers to survive: cuts, flipped bits, ranges moved, copied or removed, numbers replaced by extremes, and, for
/// text, structure broken and digits multiplied. The same seed gives the same damage.
/// </summary>
public sealed class Mutator(int seed)
{
    private static readonly ulong[] extremes =
    [
        0, 1, 7, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0x1_0000_0000, 1UL << 40,
        0x7FFF_FFFF_FFFF_FFFF, 0x8000_0000_0000_0000, ulong.MaxValue, ulong.MaxValue - 31,
    ];

    private static readonly string[] fragments =
    [
        "\"", "{", "}", "[", "]", ",", ":", "\\", "\\u", "\\ud800", "null", "-1", "1e999", "99999999999999999999", "9223372036854775807", "../", "/etc/", "\0", "\u00e9", "{\"a\":", "[[[[[[[[",
    ];

    private readonly Random random = new(seed);

    /// <summary>A damaged copy: one to four kinds of damage.</summary>
    /// <param name="original">The sound file.</param>
    /// <param name="headerByteCount">Where most of the damage should go: the front of the file.</param>
    public byte[] Damage(ReadOnlySpan<byte> original, int headerByteCount)
    {
        List<byte> bytes = [.. original];
        int count = random.Next(1, 5);
        for (int i = 0; i < count && bytes.Count > 0; i++)
            DamageOnce(bytes, random.Next(8) == 0 ? bytes.Count : Math.Min(headerByteCount, bytes.Count));
        return [.. bytes];
    }

    private void DamageOnce(List<byte> bytes, int range)
    {
        int at = random.Next(range);
        int length = random.Next(1, Math.Max(2, Math.Min(64, bytes.Count - at)));
        switch (random.Next(10))
        {
            case 0:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 1:
                bytes[at] ^= (byte)(1 << random.Next(8));
                break;
            case 2:
                bytes[at] = (byte)random.Next(256);
                break;
            case 3:
                bytes.RemoveRange(at, Math.Min(length, bytes.Count - at));
                break;
            case 4:
                bytes.InsertRange(random.Next(range), bytes.GetRange(at, Math.Min(length, bytes.Count - at)));
                break;
            case 5:
                bytes.InsertRange(at, System.Text.Encoding.UTF8.GetBytes(fragments[random.Next(fragments.Length)]));
                break;
            case 6:
                ReplaceDigits(bytes, at);
                break;
            default:
                ReplaceNumber(bytes, at);
                break;
        }
    }

    private void ReplaceNumber(List<byte> bytes, int at)
    {
        Span<byte> number = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(number, extremes[random.Next(extremes.Length)] + (ulong)random.Next(-1, 2));
        int width = 1 << random.Next(4);
        for (int i = 0; i < width && at + i < bytes.Count; i++)
            bytes[at + i] = number[i];
    }

    private void ReplaceDigits(List<byte> bytes, int at)
    {
        int start = bytes.FindIndex(at, b => b is >= (byte)'0' and <= (byte)'9');
        if (start < 0)
            return;
        byte[] digits = System.Text.Encoding.ASCII.GetBytes(extremes[random.Next(extremes.Length)].ToString(System.Globalization.CultureInfo.InvariantCulture));
        bytes.RemoveAt(start);
        bytes.InsertRange(start, digits);
    }
}
