using System.Globalization;

namespace Decant.Core.Measurement;

/// <summary>Numbers of bytes in messages, in the decimal units that disks and the hub are labelled with.</summary>
public static class ByteCountText
{
    private static readonly (double Size, string Name)[] units = [(1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")];

    /// <summary>As in <c>144.8 MB</c>, <c>2.0 kB</c> or <c>12 bytes</c>: in the largest unit of which there is at least one.</summary>
    /// <param name="byteCount">The number of bytes; not negative.</param>
    public static string Of(long byteCount)
    {
        foreach ((double size, string name) in units)
        {
            // What would be rounded to 1000.0 of a unit is one of the next.
            if (byteCount >= size * 0.99995)
                return string.Create(CultureInfo.InvariantCulture, $"{byteCount / size:0.0} {name}");
        }
        return string.Create(CultureInfo.InvariantCulture, $"{byteCount} {(byteCount == 1 ? "byte" : "bytes")}");
    }
}
