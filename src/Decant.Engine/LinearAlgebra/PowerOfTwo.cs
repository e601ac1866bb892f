using System.Numerics;
using System.Runtime.CompilerServices;

namespace Decant.Engine.LinearAlgebra;

/// <summary>
/// A factor that brings a matrix near one, so that squares neither overflow nor vanish, and back. Multiplying by it rounds nothing (but for elements
/// that leave the range of normal numbers, which are negligible beside the largest).
/// </summary>
internal readonly struct PowerOfTwo<T>
    where T : unmanaged, IBinaryFloatingPointIeee754<T>
{
    private readonly int exponent;

    /// <summary>The factor for a matrix whose largest magnitude is this.</summary>
    public PowerOfTwo(T largest)
    {
        int limit = Unsafe.SizeOf<T>() == sizeof(double) ? 1000 : 120;
        exponent = T.IsZero(largest) ? 0 : Math.Clamp(-T.ILogB(largest), -limit, limit);
    }

    /// <summary>
    /// Sums of squares below this are not sums of normal numbers: elements that count beside the largest (that are more than a rounding of it) may have
    /// vanished. Beside a matrix near one such vectors are zero: they are below 1e-138 in double, 1e-12 in single precision.
    /// </summary>
    public static T SmallestSquare => T.CreateTruncating(Unsafe.SizeOf<T>() == sizeof(double) ? 1e-276 : 1e-24);

    /// <summary>Brings elements near one.</summary>
    public T Factor => T.ScaleB(T.One, exponent);

    /// <summary>Brings results back.</summary>
    public T Inverse => T.ScaleB(T.One, -exponent);
}
