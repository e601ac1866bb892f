namespace Decant.Engine.Kernels.Encoding.Lanes;

/// <summary>
/// A vector in which every lane works on a block of its own. Nothing here crosses lanes and nothing is fused, so a lane performs
/// exactly the operations, in exactly the order and rounding, that the scalar definition of a format performs on one block: equal
/// bytes follow from the way it is built. Comparisons give all ones or all zeros; integers are kept as the bits of the lanes.
/// </summary>
/// <typeparam name="T">The implementing type, one for each width of vector.</typeparam>
internal unsafe interface ILanes<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>How many lanes.</summary>
    static abstract int Count { get; }

    /// <summary>The same number in every lane.</summary>
    static abstract T Create(float value);

    /// <summary>The same bits in every lane.</summary>
    static abstract T FromBits(int bits);

    /// <summary>Sum.</summary>
    static abstract T operator +(T a, T b);

    /// <summary>Difference.</summary>
    static abstract T operator -(T a, T b);

    /// <summary>Product.</summary>
    static abstract T operator *(T a, T b);

    /// <summary>Quotient.</summary>
    static abstract T operator /(T a, T b);

    /// <summary>a &lt; b; false for NaN.</summary>
    static abstract T operator <(T a, T b);

    /// <summary>a &gt; b; false for NaN.</summary>
    static abstract T operator >(T a, T b);

    /// <summary>a ≥ b; false for NaN.</summary>
    static abstract T operator >=(T a, T b);

    /// <summary>a ≤ b; false for NaN.</summary>
    static abstract T operator <=(T a, T b);

    /// <summary>Bits set in both.</summary>
    static abstract T operator &(T a, T b);

    /// <summary>Bits set in either.</summary>
    static abstract T operator |(T a, T b);

    /// <summary>Bits that differ.</summary>
    static abstract T operator ^(T a, T b);

    /// <summary>All bits inverted.</summary>
    static abstract T operator ~(T a);

    /// <summary>Bits moved up.</summary>
    static abstract T operator <<(T a, int count);

    /// <summary>Bits moved down, zeros coming in.</summary>
    static abstract T operator >>>(T a, int count);

    /// <summary>a where the mask is set, else b.</summary>
    static abstract T Select(T mask, T a, T b);

    /// <summary>Magnitude.</summary>
    static abstract T Abs(T a);

    /// <summary>Square root, correctly rounded.</summary>
    static abstract T Sqrt(T a);

    /// <summary>The smaller of two numbers, neither of them NaN.</summary>
    static abstract T Min(T a, T b);

    /// <summary>The larger of two numbers, neither of them NaN.</summary>
    static abstract T Max(T a, T b);

    /// <summary>The bits of the integer towards zero; the number must fit 32 bits.</summary>
    static abstract T ToInteger(T a);

    /// <summary>The number whose integer bits are given.</summary>
    static abstract T FromInteger(T a);

    /// <summary>Sum of integers.</summary>
    static abstract T AddIntegers(T a, T b);

    /// <summary>Writes the lower 16 bits of the lanes one after another.</summary>
    static abstract void StoreLower16(T value, ushort* destination);

    /// <summary>One bit per lane of a mask, lane 0 lowest.</summary>
    static abstract uint MaskBits(T mask);
}
