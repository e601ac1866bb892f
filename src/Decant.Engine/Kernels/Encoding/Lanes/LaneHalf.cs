using System.Runtime.CompilerServices;

namespace Decant.Engine.Kernels.Encoding.Lanes;

/// <summary>
/// Half precision on lanes. Rounding to nearest even by integers: for a normal half, half a unit less one plus the lowest kept bit
/// is added before the lower 13 bits go; for a denormal half, adding 0.5 makes the adder do it, for 0.5 has the unit 2^-24.
/// </summary>
internal static class LaneHalf<T>
    where T : unmanaged, ILanes<T>
{
    private const float SmallestNormal = 6.103515625e-05f; // 2^-14
    private const float FirstOverflow = 65520f; // halfway between the largest half and the next one

    /// <summary>Lanes whose number rounds to a finite half; NaN does not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IsStorable(T value) => T.Abs(value) < T.Create(FirstOverflow);

    /// <summary>The sixteen bits of the half nearest to a storable number, and that half as a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round(T value, out T rounded)
    {
        T sign = value & T.Create(-0f);
        T magnitude = T.Abs(value);
        T odd = magnitude >>> 13 & T.FromBits(1);
        T up = T.AddIntegers(magnitude, T.AddIntegers(odd, T.FromBits(0xfff)));
        T normal = up & T.FromBits(~0x1fff);
        T normalBits = T.AddIntegers(up, T.FromBits((15 - 127) << 23)) >>> 13;
        T shifted = magnitude + T.Create(0.5f);
        T isDenormal = magnitude < T.Create(SmallestNormal);
        rounded = T.Select(isDenormal, shifted - T.Create(0.5f), normal) | sign;
        return T.Select(isDenormal, shifted ^ T.Create(0.5f), normalBits) | sign >>> 16;
    }

    /// <summary>The sixteen bits alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round(T value) => Round(value, out _);
}
