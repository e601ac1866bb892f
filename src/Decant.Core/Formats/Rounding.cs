namespace Decant.Core.Formats;

/// <summary>
/// The three ways ggml turns a float into an integer. Each is spelt out so that every CPU gives the same answer, also for values
/// that do not fit (a tiny block makes <c>1/d</c> infinite): .NET saturates there, the compiled reference does not.
/// </summary>
internal static class Rounding
{
    private const float Magic = 12582912f; // 1.5 * 2^23: adding it leaves the integer part in the low mantissa bits

    /// <summary>Nearest integer, ties to even. Exact for |value| up to 2^22; beyond that the low 23 bits of the sum, as in ggml.</summary>
    public static int Nearest(float value) => (BitConverter.SingleToInt32Bits(value + Magic) & 0x7fffff) - 0x400000;

    /// <summary><see cref="Nearest(float)"/>, limited to a range of codes.</summary>
    public static int Nearest(float value, int min, int max) => Math.Max(min, Math.Min(max, Nearest(value)));

    /// <summary>Towards zero; NaN and whatever does not fit 32 bits give <see cref="int.MinValue"/>, x86's answer.</summary>
    public static int Truncate(float value) => value is >= -2147483648f and < 2147483648f ? (int)value : int.MinValue;

    /// <summary>Nearest integer, ties away from zero (C's <c>roundf</c>), converted as <see cref="Truncate"/> does.</summary>
    public static int HalfAway(float value) => Truncate(MathF.Round(value, MidpointRounding.AwayFromZero));
}
