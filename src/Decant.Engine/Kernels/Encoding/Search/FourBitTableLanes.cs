using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Search;

/// <summary>
/// <c>Decant.Core.Formats.Search.FourBitTable</c> on lanes. The nearest level is found by comparing with the fifteen midpoints: they
/// are multiples of one half, and differences near them are exact, so "at or above the midpoint" is the definition's own test.
/// </summary>
internal static unsafe class FourBitTableLanes<T>
    where T : unmanaged, ILanes<T>
{
    private const float SmallestMagnitude = 1e-15f;
    private const int Reach = 7;

    private const float Lowest = -127;

    /// <summary>The level nearest to x, as a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Level(T x)
    {
        T level = T.Create(Lowest);
        level = T.Select(x >= T.Create(-115.5f), T.Create(-104f), level);
        level = T.Select(x >= T.Create(-93.5f), T.Create(-83f), level);
        level = T.Select(x >= T.Create(-74f), T.Create(-65f), level);
        level = T.Select(x >= T.Create(-57f), T.Create(-49f), level);
        level = T.Select(x >= T.Create(-42f), T.Create(-35f), level);
        level = T.Select(x >= T.Create(-28.5f), T.Create(-22f), level);
        level = T.Select(x >= T.Create(-16f), T.Create(-10f), level);
        level = T.Select(x >= T.Create(-4.5f), T.Create(1f), level);
        level = T.Select(x >= T.Create(7f), T.Create(13f), level);
        level = T.Select(x >= T.Create(19f), T.Create(25f), level);
        level = T.Select(x >= T.Create(31.5f), T.Create(38f), level);
        level = T.Select(x >= T.Create(45.5f), T.Create(53f), level);
        level = T.Select(x >= T.Create(61f), T.Create(69f), level);
        level = T.Select(x >= T.Create(79f), T.Create(89f), level);
        level = T.Select(x >= T.Create(101f), T.Create(113f), level);
        return level;
    }

    /// <summary>The code of the level nearest to x, as a number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Code(T x)
    {
        T code = LaneMath<T>.Zero;
        code = T.Select(x >= T.Create(-115.5f), T.Create(1f), code);
        code = T.Select(x >= T.Create(-93.5f), T.Create(2f), code);
        code = T.Select(x >= T.Create(-74f), T.Create(3f), code);
        code = T.Select(x >= T.Create(-57f), T.Create(4f), code);
        code = T.Select(x >= T.Create(-42f), T.Create(5f), code);
        code = T.Select(x >= T.Create(-28.5f), T.Create(6f), code);
        code = T.Select(x >= T.Create(-16f), T.Create(7f), code);
        code = T.Select(x >= T.Create(-4.5f), T.Create(8f), code);
        code = T.Select(x >= T.Create(7f), T.Create(9f), code);
        code = T.Select(x >= T.Create(19f), T.Create(10f), code);
        code = T.Select(x >= T.Create(31.5f), T.Create(11f), code);
        code = T.Select(x >= T.Create(45.5f), T.Create(12f), code);
        code = T.Select(x >= T.Create(61f), T.Create(13f), code);
        code = T.Select(x >= T.Create(79f), T.Create(14f), code);
        code = T.Select(x >= T.Create(101f), T.Create(15f), code);
        return code;
    }

    /// <summary>The scale of 32 elements; 0 in lanes that hold (almost) zeros.</summary>
    public static T FindScale(T* values, T* weights, int count)
    {
        T zero = LaneMath<T>.Zero;
        T max = LaneMath<T>.SignedMaximum(values, count);
        T tiny = T.Abs(max) < T.Create(SmallestMagnitude);
        T first = (max ^ T.Create(-0f)) / T.Create(Lowest);
        (T a, T b) = Sums(values, weights, count, T.Create(1f) / first);
        T scale = T.Select(b > zero, a / b, zero);
        T best = scale * a;
        for (int step = -Reach; step <= Reach; step++)
        {
            (a, b) = Sums(values, weights, count, T.Create(step + Lowest) / max);
            T better = b > zero & a * a > best * b;
            T trial = a / b;
            scale = T.Select(better, trial, scale);
            best = T.Select(better, trial * a, best);
        }
        return T.Select(tiny, zero, scale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static (T A, T B) Sums(T* values, T* weights, int count, T inverse)
    {
        T a = LaneMath<T>.Zero, b = LaneMath<T>.Zero;
        for (int i = 0; i < count; i++)
        {
            T level = Level(inverse * values[i]);
            T weighted = weights[i] * level;
            a += weighted * values[i];
            b += weighted * level;
        }
        return (a, b);
    }

    /// <summary>Importance weights, or the squares of the elements without them.</summary>
    public static void Weigh(T* values, T* importance, int count, T meanSquare, T* weights)
    {
        if (importance != null)
        {
            LaneMath<T>.Weigh(values, importance, count, meanSquare, weights);
            return;
        }
        for (int i = 0; i < count; i++)
            weights[i] = values[i] * values[i];
    }
}
