using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding.Blocks;

/// <summary>
/// The nearest 4-bit float, on lanes, by comparing with the midpoints. The definition takes the first of the smallest distances, so a
/// midpoint belongs to the smaller magnitude, and minus zero is never taken. Midpoints are exact: a step has few bits.
/// </summary>
internal static class E2M1Lanes<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>The code of x on the grid <c>{0, 1, 2, 3, 4, 6, 8, 12}·step</c>, as an integer; step is positive.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Code(T x, T step)
    {
        T magnitude = T.Abs(x), one = T.FromBits(1);
        T isAny = magnitude > step * T.Create(0.5f);
        T code = one & isAny;
        code = T.AddIntegers(code, one & magnitude > step * T.Create(1.5f));
        code = T.AddIntegers(code, one & magnitude > step * T.Create(2.5f));
        code = T.AddIntegers(code, one & magnitude > step * T.Create(3.5f));
        code = T.AddIntegers(code, one & magnitude > step * T.Create(5f));
        code = T.AddIntegers(code, one & magnitude > step * T.Create(7f));
        code = T.AddIntegers(code, one & magnitude > step * T.Create(10f));
        return code | T.FromBits(8) & isAny & x < LaneMath<T>.Zero;
    }
}
