using System.Runtime.CompilerServices;

namespace Decant.Engine.Kernels.Encoding.Lanes;

/// <summary>Rounding and sums as the scalar definitions of the formats do them, on lanes.</summary>
internal static unsafe class LaneMath<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Bound below which <see cref="Nearest(T)"/> is exact; beyond it the definition's own rounding is no longer the nearest integer.</summary>
    private const float LargestInteger = 4194304f; // 2^22

    private const float Magic = 12582912f; // 1.5 * 2^23: the sum has no bits left below 1

    /// <summary>The largest float below one half. Added away from zero before truncating, it rounds halves away from zero.</summary>
    private const float BelowHalf = 0.49999997f;

    public static T Zero => T.Create(0f);

    /// <summary>Nearest integer, ties to even, as a number. Lanes must hold numbers that <see cref="IsRoundable"/> accepts.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Nearest(T value) => value + T.Create(Magic) - T.Create(Magic);

    /// <summary><see cref="Nearest(T)"/>, limited to a range of codes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Nearest(T value, float min, float max) => T.Max(T.Create(min), T.Min(T.Create(max), Nearest(value)));

    /// <summary>The bits of the nearest integer, ties away from zero.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T HalfAway(T value) => T.ToInteger(value + (value & T.Create(-0f) | T.Create(BelowHalf)));

    /// <summary>Lanes whose number is small enough to be rounded; NaN is not.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IsRoundable(T value) => T.Abs(value) < T.Create(LargestInteger);

    /// <summary>Lanes whose number is neither infinite nor NaN.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T IsFinite(T value) => T.Abs(value) < T.Create(float.PositiveInfinity);

    /// <summary>1 / d, or 0 where d is 0.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T InverseOrZero(T d) => T.Select(T.Abs(d) > Zero, T.Create(1f) / d, Zero);

    /// <summary>The element of largest magnitude, sign included; of equals the first.</summary>
    public static T SignedMaximum(T* values, int count)
    {
        T largest = Zero, signed = Zero;
        for (int i = 0; i < count; i++)
        {
            T magnitude = T.Abs(values[i]);
            T larger = magnitude > largest;
            largest = T.Select(larger, magnitude, largest);
            signed = T.Select(larger, values[i], signed);
        }
        return signed;
    }

    /// <summary>Largest magnitude.</summary>
    public static T Maximum(T* values, int count)
    {
        T largest = Zero;
        for (int i = 0; i < count; i++)
            largest = T.Max(largest, T.Abs(values[i]));
        return largest;
    }

    /// <summary>Adds the squares to a sum, in order.</summary>
    public static T AddSquares(T sum, T* values, int count)
    {
        for (int i = 0; i < count; i++)
            sum += values[i] * values[i];
        return sum;
    }

    /// <summary>Weights <c>importance * sqrt(meanSquare + x²)</c>.</summary>
    public static void Weigh(T* values, T* importance, int count, T meanSquare, T* weights)
    {
        for (int i = 0; i < count; i++)
            weights[i] = importance[i] * T.Sqrt(meanSquare + values[i] * values[i]);
    }

    /// <summary>Sum, in order.</summary>
    public static T Sum(T* values, int count)
    {
        T sum = Zero;
        for (int i = 0; i < count; i++)
            sum += values[i];
        return sum;
    }
}
