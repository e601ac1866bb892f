using System.Runtime.CompilerServices;

namespace Decant.Engine.Kernels.Vectors;

/// <summary>
/// Elementary functions on vectors of any width. The error bounds are for finite arguments and hold for every width; the tests walk
/// through the arguments and compare with double precision. Polynomial coefficients are those published with the Cephes library
/// (S. L. Moshier, single-precision expf, tanhf, erff and erfcf).
/// </summary>
internal static class VectorMath<TVector, TOps>
    where TVector : struct
    where TOps : struct, IVectorOps<TVector>
{
    /// <summary>Largest relative error of <see cref="Exp"/> on [−87.33, 88.37]; below that the result is 0 and above it e^88.37.</summary>
    public const double ExpRelativeError = 1.5e-7;

    /// <summary>Largest relative error of <see cref="Tanh"/>.</summary>
    public const double TanhRelativeError = 3e-7;

    /// <summary>Largest relative error of <see cref="Erf"/>.</summary>
    public const double ErfRelativeError = 3e-7;

    private const float SmallestExponent = -87.33654f;
    private const float LargestExponent = 88.37626f;

    /// <summary>eˣ: x = n ln 2 + r with |r| ≤ ln 2 / 2, e^r by a polynomial, times 2ⁿ.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Exp(TVector x)
    {
        TVector clamped = TOps.Max(TOps.Min(x, TOps.Create(LargestExponent)), TOps.Create(SmallestExponent));
        TVector n = TOps.Round(TOps.Multiply(clamped, TOps.Create(1.44269504f)));
        // ln 2 in two parts; the first has so few digits that n times it is exact.
        TVector r = TOps.MultiplyAdd(n, TOps.Create(-0.693359375f), clamped);
        r = TOps.MultiplyAdd(n, TOps.Create(2.12194440e-4f), r);
        TVector p = TOps.Create(1.9875691500e-4f);
        p = TOps.MultiplyAdd(p, r, TOps.Create(1.3981999507e-3f));
        p = TOps.MultiplyAdd(p, r, TOps.Create(8.3334519073e-3f));
        p = TOps.MultiplyAdd(p, r, TOps.Create(4.1665795894e-2f));
        p = TOps.MultiplyAdd(p, r, TOps.Create(1.6666665459e-1f));
        p = TOps.MultiplyAdd(p, r, TOps.Create(5.0000001201e-1f));
        p = TOps.Add(TOps.MultiplyAdd(p, TOps.Multiply(r, r), r), TOps.Create(1f));
        return TOps.SelectLess(x, TOps.Create(SmallestExponent), TOps.Create(0f), TOps.Scale(p, n));
    }

    /// <summary>tanh x: an odd polynomial below 0.625, 1 − 2 / (e^2|x| + 1) above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Tanh(TVector x)
    {
        TVector magnitude = TOps.Abs(x);
        TVector square = TOps.Multiply(x, x);
        TVector p = TOps.Create(-5.70498872745e-3f);
        p = TOps.MultiplyAdd(p, square, TOps.Create(2.06390887954e-2f));
        p = TOps.MultiplyAdd(p, square, TOps.Create(-5.37397155531e-2f));
        p = TOps.MultiplyAdd(p, square, TOps.Create(1.33314422036e-1f));
        p = TOps.MultiplyAdd(p, square, TOps.Create(-3.33332819422e-1f));
        TVector near = TOps.MultiplyAdd(TOps.Multiply(p, square), x, x);
        TVector exponential = Exp(TOps.Add(magnitude, magnitude));
        TVector far = TOps.Subtract(TOps.Create(1f), TOps.Divide(TOps.Create(2f), TOps.Add(exponential, TOps.Create(1f))));
        return TOps.SelectLess(magnitude, TOps.Create(0.625f), near, TOps.CopySign(far, x));
    }

    /// <summary>erf x: x times a polynomial in x² below 1; above, 1 − e^−x² / |x| times one of two polynomials in 1 / x² (split at 2).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Erf(TVector x)
    {
        TVector magnitude = TOps.Abs(x);
        TVector square = TOps.Multiply(x, x);
        TVector near = TOps.Create(7.853861353153693e-5f);
        near = TOps.MultiplyAdd(near, square, TOps.Create(-8.010193625184903e-4f));
        near = TOps.MultiplyAdd(near, square, TOps.Create(5.188327685732524e-3f));
        near = TOps.MultiplyAdd(near, square, TOps.Create(-2.685381193529856e-2f));
        near = TOps.MultiplyAdd(near, square, TOps.Create(1.128358514861418e-1f));
        near = TOps.MultiplyAdd(near, square, TOps.Create(-3.761262582423300e-1f));
        near = TOps.MultiplyAdd(near, square, TOps.Create(1.128379165726710f));
        near = TOps.Multiply(near, x);

        // Beyond 1 the argument is kept away from 0 only so that the division is defined; those lanes are not used.
        TVector large = TOps.Max(magnitude, TOps.Create(1f));
        TVector inverse = TOps.Divide(TOps.Create(1f), large);
        TVector inverseSquare = TOps.Multiply(inverse, inverse);
        TVector middle = TOps.Create(2.326819970068386e-2f);
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(-1.387039388740657e-1f));
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(3.687424674597105e-1f));
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(-5.824733027278666e-1f));
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(6.210004621745983e-1f));
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(-4.944515323274145e-1f));
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(3.404879937665872e-1f));
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(-2.741127028184656e-1f));
        middle = TOps.MultiplyAdd(middle, inverseSquare, TOps.Create(5.638259427386472e-1f));
        TVector tail = TOps.Create(-1.047766399936249e+1f);
        tail = TOps.MultiplyAdd(tail, inverseSquare, TOps.Create(1.297719955372516e+1f));
        tail = TOps.MultiplyAdd(tail, inverseSquare, TOps.Create(-7.495518717768503f));
        tail = TOps.MultiplyAdd(tail, inverseSquare, TOps.Create(2.921019019210786f));
        tail = TOps.MultiplyAdd(tail, inverseSquare, TOps.Create(-1.015265279202700f));
        tail = TOps.MultiplyAdd(tail, inverseSquare, TOps.Create(4.218463358204948e-1f));
        tail = TOps.MultiplyAdd(tail, inverseSquare, TOps.Create(-2.820767439740514e-1f));
        tail = TOps.MultiplyAdd(tail, inverseSquare, TOps.Create(5.641895067754075e-1f));
        TVector factor = TOps.SelectLess(large, TOps.Create(2f), middle, tail);
        TVector complement = TOps.Multiply(TOps.Multiply(Exp(TOps.Subtract(TOps.Create(0f), square)), inverse), factor);
        TVector far = TOps.CopySign(TOps.Subtract(TOps.Create(1f), complement), x);
        return TOps.SelectLess(magnitude, TOps.Create(1f), near, far);
    }

    /// <summary>1 / (1 + e^−x).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Sigmoid(TVector x) =>
        TOps.Divide(TOps.Create(1f), TOps.Add(TOps.Create(1f), Exp(TOps.Subtract(TOps.Create(0f), x))));

    /// <summary>
    /// ln(1 + eˣ) = max(x, 0) + ln(1 + t) with t = e^−|x|, and ln(1 + t) = 2 artanh z with z = t / (2 + t), at most 1/3: the series z + z³/3 + z⁵/5 + …
    /// gains a decimal with every term.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Softplus(TVector x)
    {
        TVector t = Exp(TOps.Subtract(TOps.Create(0f), TOps.Abs(x)));
        TVector z = TOps.Divide(t, TOps.Add(t, TOps.Create(2f)));
        TVector square = TOps.Multiply(z, z);
        TVector p = TOps.Create(2f / 15);
        p = TOps.MultiplyAdd(p, square, TOps.Create(2f / 13));
        p = TOps.MultiplyAdd(p, square, TOps.Create(2f / 11));
        p = TOps.MultiplyAdd(p, square, TOps.Create(2f / 9));
        p = TOps.MultiplyAdd(p, square, TOps.Create(2f / 7));
        p = TOps.MultiplyAdd(p, square, TOps.Create(2f / 5));
        p = TOps.MultiplyAdd(p, square, TOps.Create(2f / 3));
        p = TOps.MultiplyAdd(p, square, TOps.Create(2f));
        return TOps.MultiplyAdd(p, z, TOps.Max(x, TOps.Create(0f)));
    }
}
