using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Search;

/// <summary>
/// <c>Decant.Core.Formats.Search.SymmetricSearch</c> on lanes. The codes of the winner are not carried along: they follow from its
/// inverse scale, so <see cref="Code"/> computes them when they are wanted.
/// </summary>
internal readonly struct SymmetricLanes<T>
    where T : unmanaged, ILanes<T>
{
    private const float SmallestMagnitude = 1e-15f;

    private readonly T inverse;
    private readonly T tiny;
    private readonly float maxCode;

    private SymmetricLanes(T scale, T inverse, T tiny, float maxCode)
    {
        Scale = scale;
        this.inverse = inverse;
        this.tiny = tiny;
        this.maxCode = maxCode;
    }

    /// <summary>The scale; 0 in lanes that hold (almost) zeros.</summary>
    public T Scale { get; }

    /// <summary>The code of one of the elements searched over, shifted by maxCode, as a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public T Code(T value) =>
        T.Select(tiny, T.Create(0f), LaneMath<T>.Nearest(inverse * value, -maxCode, maxCode - 1) + T.Create(maxCode));

    /// <summary>Searches.</summary>
    /// <param name="values">The elements.</param>
    /// <param name="weights">One vector per element.</param>
    /// <param name="count">How many.</param>
    /// <param name="maxCode">4, 8, 16 or 32.</param>
    /// <param name="products">Work space: <paramref name="count"/> vectors.</param>
    public static unsafe SymmetricLanes<T> Run(T* values, T* weights, int count, float maxCode, T* products)
    {
        for (int i = 0; i < count; i++)
            products[i] = weights[i] * values[i];
        T max = LaneMath<T>.SignedMaximum(values, count);
        T tiny = T.Abs(max) < T.Create(SmallestMagnitude);
        T zero = LaneMath<T>.Zero;
        T inverse = T.Create(-maxCode) / max;
        (T a, T b) = Sums(values, weights, products, count, maxCode, inverse);
        T winner = inverse;
        T scale = T.Select(T.Abs(b) <= zero, zero, a / b);
        T best = scale * a;
        for (int step = -9; step <= 9; step++)
        {
            if (step == 0)
                continue;
            inverse = T.Create(-(maxCode + 0.1f * step)) / max;
            (a, b) = Sums(values, weights, products, count, maxCode, inverse);
            T better = b > zero & a * a > best * b;
            T trial = a / b;
            winner = T.Select(better, inverse, winner);
            scale = T.Select(better, trial, scale);
            best = T.Select(better, trial * a, best);
        }
        return new(T.Select(tiny, zero, scale), winner, tiny, maxCode);
    }

    /// <summary>A = Σ w·x·l and B = Σ w·l² for the codes l of a grid.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe (T A, T B) Sums(T* values, T* weights, T* products, int count, float maxCode, T inverse)
    {
        T a = LaneMath<T>.Zero, b = LaneMath<T>.Zero;
        for (int i = 0; i < count; i++)
        {
            T l = LaneMath<T>.Nearest(inverse * values[i], -maxCode, maxCode - 1);
            a += products[i] * l;
            b += weights[i] * l * l;
        }
        return (a, b);
    }
}
