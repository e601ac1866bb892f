namespace Decant.Testing;

/// <summary>The IEEE checksum that fixtures state for encoded rows and tensors.</summary>
public static class Crc32
{
    private static readonly uint[] table = [.. Enumerable.Range(0, 256).Select(n => Enumerable.Range(0, 8)
        .Aggregate((uint)n, (c, _) => (c & 1) != 0 ? 0xEDB88320 ^ (c >> 1) : c >> 1))];

    /// <summary>The checksum of all bytes.</summary>
    public static uint Of(ReadOnlySpan<byte> bytes)
    {
        uint crc = 0xFFFFFFFF;
        foreach (byte b in bytes)
            crc = table[(crc ^ b) & 255] ^ (crc >> 8);
        return ~crc;
    }
}
