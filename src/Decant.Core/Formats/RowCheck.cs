using System.Numerics;
using System.Runtime.InteropServices;

namespace Decant.Core.Formats;

/// <summary>Finds what no format can store: NaN and infinity. Whoever encodes a row asks first and names tensor and row in the error.</summary>
public static class RowCheck
{
    private const uint ExponentMask = 0x7f80_0000;

    /// <summary>The index of the first element that is NaN or infinite, or -1 if all are finite.</summary>
    public static int FirstNonFinite(ReadOnlySpan<float> values)
    {
        ReadOnlySpan<uint> bits = MemoryMarshal.Cast<float, uint>(values);
        var mask = new Vector<uint>(ExponentMask);
        int i = 0;
        for (; i + Vector<uint>.Count <= bits.Length; i += Vector<uint>.Count)
        {
            if (Vector.EqualsAny(new Vector<uint>(bits[i..]) & mask, mask))
                break;
        }
        for (; i < bits.Length; i++)
        {
            if ((bits[i] & ExponentMask) == ExponentMask)
                return i;
        }
        return -1;
    }
}
