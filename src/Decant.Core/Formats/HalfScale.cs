using System.Buffers.Binary;

namespace Decant.Core.Formats;

/// <summary>Reads and writes the half-precision numbers inside blocks (scales and minima), little-endian.</summary>
internal static class HalfScale
{
    public static float Read(ReadOnlySpan<byte> source) => (float)BinaryPrimitives.ReadHalfLittleEndian(source);

    /// <summary>Writes <paramref name="value"/> rounded to nearest even and returns what was stored.</summary>
    /// <exception cref="OverflowException">The stored number would be infinite or NaN.</exception>
    public static float Write(Span<byte> destination, float value, string format)
    {
        var half = (Half)value;
        if (!Half.IsFinite(half))
        {
            throw new OverflowException(
                $"{format}: the scale {value:G6} of a block cannot be stored as a half-precision number (largest 65504).");
        }
        BinaryPrimitives.WriteHalfLittleEndian(destination, half);
        return (float)half;
    }
}
