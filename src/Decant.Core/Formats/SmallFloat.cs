namespace Decant.Core.Formats;

/// <summary>
/// Floats of 8 bits: one sign bit, then exponent and mantissa with subnormals, as in "FP8 Formats for Deep Learning" (Micikevicius
/// et al. 2022, arXiv:2209.05433) and the OCP 8-bit floating point specification.
/// </summary>
internal static class SmallFloat
{
    /// <summary>The value of the lower seven bits, all codes taken as finite.</summary>
    public static float Magnitude(int code, int mantissaBits, int bias)
    {
        int exponent = code >> mantissaBits;
        int mantissa = code & ((1 << mantissaBits) - 1);
        return exponent == 0
            ? MathF.ScaleB(mantissa, 1 - bias - mantissaBits)
            : MathF.ScaleB(mantissa + (1 << mantissaBits), exponent - bias - mantissaBits);
    }

    /// <summary>
    /// The lower seven bits of the nearest code, ties to the even code. A magnitude past the largest code gives a code past it:
    /// rounding carries from the mantissa into the exponent by itself.
    /// </summary>
    /// <param name="magnitude">Not negative, not NaN.</param>
    /// <param name="mantissaBits">Bits of the mantissa.</param>
    /// <param name="bias">Bias of the exponent.</param>
    public static int Round(float magnitude, int mantissaBits, int bias)
    {
        // The distance between codes at this magnitude is a power of two, so scaling by it is exact.
        int exponent = Math.Max((BitConverter.SingleToInt32Bits(magnitude) >> 23) - 127, 1 - bias);
        int steps = (int)MathF.Round(MathF.ScaleB(magnitude, mantissaBits - exponent));
        return steps + ((exponent + bias - 1) << mantissaBits);
    }
}
