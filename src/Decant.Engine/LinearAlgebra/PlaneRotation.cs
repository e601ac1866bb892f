using System.Numerics;

namespace Decant.Engine.LinearAlgebra;

/// <summary>A rotation of a plane (Givens).</summary>
internal readonly struct PlaneRotation<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private PlaneRotation(T cosine, T sine)
    {
        Cosine = cosine;
        Sine = sine;
    }

    /// <summary>c.</summary>
    public T Cosine { get; }

    /// <summary>s.</summary>
    public T Sine { get; }

    /// <summary>The rotation with (c · x + s · y, c · y − s · x) = (length, 0); of zeros, the one that turns nothing. Both must be near one at most.</summary>
    public static PlaneRotation<T> Onto(T x, T y, out T length)
    {
        T square = T.FusedMultiplyAdd(x, x, y * y);
        if (square < PowerOfTwo<T>.SmallestSquare)
            return OntoSmall(x, y, out length);
        length = T.Sqrt(square);
        return new(x / length, y / length);
    }

    private static PlaneRotation<T> OntoSmall(T x, T y, out T length)
    {
        T largest = T.Max(T.Abs(x), T.Abs(y));
        if (T.IsZero(largest))
        {
            length = T.Zero;
            return new(T.One, T.Zero);
        }
        int exponent = T.ILogB(largest);
        x = T.ScaleB(x, -exponent);
        y = T.ScaleB(y, -exponent);
        T scaled = T.Sqrt(T.FusedMultiplyAdd(x, x, y * y));
        length = T.ScaleB(scaled, exponent);
        return new(x / scaled, y / scaled);
    }
}
