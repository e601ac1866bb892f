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

    /// <summary>The rotation with (c · x + s · y, c · y − s · x) = (length, 0). Both near one at most; if both squares vanish it turns nothing.</summary>
    public static PlaneRotation<T> Onto(T x, T y, out T length)
    {
        T square = T.FusedMultiplyAdd(x, x, y * y);
        if (T.IsZero(square))
        {
            length = x;
            return new(T.One, T.Zero);
        }
        length = T.Sqrt(square);
        return new(x / length, y / length);
    }
}
