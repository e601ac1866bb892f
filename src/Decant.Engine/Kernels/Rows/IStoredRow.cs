using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Rows;

/// <summary>A row in a format from which any vector of elements can be read by itself.</summary>
internal unsafe interface IStoredRow
{
    /// <summary>The format, as ggml spells it.</summary>
    static abstract string Format { get; }

    /// <summary>True for single precision, which needs no decoding.</summary>
    static virtual bool IsSingle => false;

    /// <summary>A vector of elements, all finite.</summary>
    /// <param name="row">The row.</param>
    /// <param name="first">The first element, a multiple of the lanes.</param>
    /// <param name="halves"><see cref="HalfTable.Values"/>.</param>
    static abstract TVector Load<TVector, TOps>(byte* row, int first, float* halves)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>;
}

/// <summary>Elements one by one.</summary>
internal readonly unsafe struct PlainRow<TElement> : IStoredRow
    where TElement : struct, IPlainElement
{
    public static string Format => TElement.Format;

    public static bool IsSingle => typeof(TElement) == typeof(SingleElement);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector, TOps>(byte* row, int first, float* halves)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> => TElement.LoadFinite<TVector, TOps>(row + (long)first * TElement.ByteCount);
}

/// <summary>Blocks of 32: scale in bytes 0–1, codes in 2–33.</summary>
internal readonly unsafe struct Q8_0Row : IStoredRow
{
    private const int ByteCount = 34;

    public static string Format => "Q8_0";

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector, TOps>(byte* row, int first, float* halves)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        byte* block = row + (first >> 5) * ByteCount;
        float scale = halves[Unsafe.ReadUnaligned<ushort>(block)];
        return TOps.Multiply(TOps.LoadSignedBytes((sbyte*)block + 2 + (first & 31)), TOps.Create(scale));
    }
}

/// <summary>Blocks of 32: scale in bytes 0–1, nibbles in 2–17 (low: elements 0–15, high: 16–31), zero at 8.</summary>
internal readonly unsafe struct Q4_0Row : IStoredRow
{
    private const int ByteCount = 18;

    public static string Format => "Q4_0";

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TVector Load<TVector, TOps>(byte* row, int first, float* halves)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        byte* block = row + (first >> 5) * ByteCount;
        float scale = halves[Unsafe.ReadUnaligned<ushort>(block)];
        TVector codes = TOps.LoadNibbles(block + 2 + (first & 15), (first & 16) >> 2);
        return TOps.Multiply(TOps.Subtract(codes, TOps.Create(8)), TOps.Create(scale));
    }
}
