using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Arithmetic;

/// <summary>Transposes blocks of a matrix in registers: target[column · targetStride + row] = source[row · sourceStride + column].</summary>
internal static unsafe class Transposition
{
    /// <summary>Any shape, in the largest blocks that vectors of this many lanes allow.</summary>
    public static void Singles(int lanes, float* source, long sourceStride, int rowCount, int columnCount, float* target, long targetStride)
    {
        if (lanes >= 16 && Avx512F.IsSupported)
            Sixteen(source, sourceStride, rowCount, columnCount, target, targetStride);
        else if (lanes >= 8 && Avx.IsSupported)
            Eight(source, sourceStride, rowCount, columnCount, target, targetStride);
        else if (lanes > 1)
            Four(source, sourceStride, rowCount, columnCount, target, targetStride);
        else
            Scalar(source, sourceStride, rowCount, columnCount, target, targetStride);
    }

    /// <summary>Any shape, element by element.</summary>
    private static void Scalar(float* source, long sourceStride, int rowCount, int columnCount, float* target, long targetStride)
    {
        for (int row = 0; row < rowCount; row++)
        {
            float* from = source + row * sourceStride;
            float* to = target + row;
            for (int column = 0; column < columnCount; column++)
                to[column * targetStride] = from[column];
        }
    }

    /// <summary>Blocks of 16 × 16 by AVX-512, the rest in smaller blocks.</summary>
    private static void Sixteen(float* source, long sourceStride, int rowCount, int columnCount, float* target, long targetStride)
    {
        int wholeRows = rowCount / 16 * 16;
        int wholeColumns = columnCount / 16 * 16;
        // Rows inside, so that the target is written line after line; the 16 lines of the source that a block reads are used up at once.
        for (int column = 0; column < wholeColumns; column += 16)
        {
            for (int row = 0; row < wholeRows; row += 16)
                SixteenBySixteen(source + row * sourceStride + column, sourceStride, target + column * targetStride + row, targetStride);
        }
        if (wholeColumns < columnCount)
            Eight(source + wholeColumns, sourceStride, wholeRows, columnCount - wholeColumns, target + wholeColumns * targetStride, targetStride);
        if (wholeRows < rowCount)
            Eight(source + wholeRows * sourceStride, sourceStride, rowCount - wholeRows, columnCount, target + wholeRows, targetStride);
    }

    /// <summary>Blocks of 8 × 8 by AVX, the rest in smaller blocks.</summary>
    private static void Eight(float* source, long sourceStride, int rowCount, int columnCount, float* target, long targetStride)
    {
        int wholeRows = rowCount / 8 * 8;
        int wholeColumns = columnCount / 8 * 8;
        for (int column = 0; column < wholeColumns; column += 8)
        {
            for (int row = 0; row < wholeRows; row += 8)
                EightByEight(source + row * sourceStride + column, sourceStride, target + column * targetStride + row, targetStride);
        }
        if (wholeColumns < columnCount)
            Four(source + wholeColumns, sourceStride, wholeRows, columnCount - wholeColumns, target + wholeColumns * targetStride, targetStride);
        if (wholeRows < rowCount)
            Four(source + wholeRows * sourceStride, sourceStride, rowCount - wholeRows, columnCount, target + wholeRows, targetStride);
    }

    /// <summary>Blocks of 4 × 4 by 128-bit vectors, the rest element by element.</summary>
    private static void Four(float* source, long sourceStride, int rowCount, int columnCount, float* target, long targetStride)
    {
        int wholeRows = rowCount / 4 * 4;
        int wholeColumns = columnCount / 4 * 4;
        for (int column = 0; column < wholeColumns; column += 4)
        {
            for (int row = 0; row < wholeRows; row += 4)
                FourByFour(source + row * sourceStride + column, sourceStride, target + column * targetStride + row, targetStride);
        }
        if (wholeColumns < columnCount)
            Scalar(source + wholeColumns, sourceStride, wholeRows, columnCount - wholeColumns, target + wholeColumns * targetStride, targetStride);
        if (wholeRows < rowCount)
            Scalar(source + wholeRows * sourceStride, sourceStride, rowCount - wholeRows, columnCount, target + wholeRows, targetStride);
    }

    // Four columns at a time. A 512-bit register takes those of rows i, i + 4, i + 8 and i + 12, a 128-bit lane each, put together by loads; what
    // follows stays within lanes, and a result holds one column of all sixteen rows in order.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SixteenBySixteen(float* source, long sourceStride, float* target, long targetStride)
    {
        for (int columns = 0; columns < 4; columns++)
        {
            Vector512<float> a0 = Quarters(source, sourceStride);
            Vector512<float> a1 = Quarters(source + sourceStride, sourceStride);
            Vector512<float> a2 = Quarters(source + 2 * sourceStride, sourceStride);
            Vector512<float> a3 = Quarters(source + 3 * sourceStride, sourceStride);
            Vector512<double> low01 = Avx512F.UnpackLow(a0, a1).AsDouble();
            Vector512<double> low23 = Avx512F.UnpackLow(a2, a3).AsDouble();
            Vector512<double> high01 = Avx512F.UnpackHigh(a0, a1).AsDouble();
            Vector512<double> high23 = Avx512F.UnpackHigh(a2, a3).AsDouble();
            Avx512F.UnpackLow(low01, low23).AsSingle().Store(target);
            Avx512F.UnpackHigh(low01, low23).AsSingle().Store(target + targetStride);
            Avx512F.UnpackLow(high01, high23).AsSingle().Store(target + 2 * targetStride);
            Avx512F.UnpackHigh(high01, high23).AsSingle().Store(target + 3 * targetStride);
            source += 4;
            target += 4 * targetStride;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector512<float> Quarters(float* source, long stride)
    {
        Vector512<float> rows = Vector128.Load(source).ToVector256Unsafe().ToVector512Unsafe();
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + 4 * stride), 1);
        rows = Avx512F.InsertVector128(rows, Vector128.Load(source + 8 * stride), 2);
        return Avx512F.InsertVector128(rows, Vector128.Load(source + 12 * stride), 3);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void EightByEight(float* source, long sourceStride, float* target, long targetStride)
    {
        // Each 256-bit register takes four columns of rows i and i + 4, so that what follows stays within 128-bit lanes.
        Vector256<float> a0 = Halves(source, sourceStride, 0);
        Vector256<float> a1 = Halves(source, sourceStride, 1);
        Vector256<float> a2 = Halves(source, sourceStride, 2);
        Vector256<float> a3 = Halves(source, sourceStride, 3);
        StoreColumns(a0, a1, a2, a3, target, targetStride);
        source += 4;
        a0 = Halves(source, sourceStride, 0);
        a1 = Halves(source, sourceStride, 1);
        a2 = Halves(source, sourceStride, 2);
        a3 = Halves(source, sourceStride, 3);
        StoreColumns(a0, a1, a2, a3, target + 4 * targetStride, targetStride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<float> Halves(float* source, long stride, int row) =>
        Vector256.Create(Vector128.Load(source + row * stride), Vector128.Load(source + (row + 4) * stride));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreColumns(Vector256<float> a0, Vector256<float> a1, Vector256<float> a2, Vector256<float> a3, float* target, long stride)
    {
        Vector256<double> low01 = Avx.UnpackLow(a0, a1).AsDouble();
        Vector256<double> low23 = Avx.UnpackLow(a2, a3).AsDouble();
        Vector256<double> high01 = Avx.UnpackHigh(a0, a1).AsDouble();
        Vector256<double> high23 = Avx.UnpackHigh(a2, a3).AsDouble();
        Avx.UnpackLow(low01, low23).AsSingle().Store(target);
        Avx.UnpackHigh(low01, low23).AsSingle().Store(target + stride);
        Avx.UnpackLow(high01, high23).AsSingle().Store(target + 2 * stride);
        Avx.UnpackHigh(high01, high23).AsSingle().Store(target + 3 * stride);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourByFour(float* source, long sourceStride, float* target, long targetStride)
    {
        Vector128<float> a0 = Vector128.Load(source);
        Vector128<float> a1 = Vector128.Load(source + sourceStride);
        Vector128<float> a2 = Vector128.Load(source + 2 * sourceStride);
        Vector128<float> a3 = Vector128.Load(source + 3 * sourceStride);
        Vector128<double> low01 = ZipLow(a0, a1).AsDouble();
        Vector128<double> low23 = ZipLow(a2, a3).AsDouble();
        Vector128<double> high01 = ZipHigh(a0, a1).AsDouble();
        Vector128<double> high23 = ZipHigh(a2, a3).AsDouble();
        Vector128.Create(low01.GetLower(), low23.GetLower()).AsSingle().Store(target);
        Vector128.Create(low01.GetUpper(), low23.GetUpper()).AsSingle().Store(target + targetStride);
        Vector128.Create(high01.GetLower(), high23.GetLower()).AsSingle().Store(target + 2 * targetStride);
        Vector128.Create(high01.GetUpper(), high23.GetUpper()).AsSingle().Store(target + 3 * targetStride);
    }

    /// <summary>The lower halves in turns: a0 b0 a1 b1.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> ZipLow(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackLow(a, b);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.ZipLow(a, b);
        return Vector128.Create(a[0], b[0], a[1], b[1]);
    }

    /// <summary>The upper halves in turns: a2 b2 a3 b3.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal static Vector128<float> ZipHigh(Vector128<float> a, Vector128<float> b)
    {
        if (Sse.IsSupported)
            return Sse.UnpackHigh(a, b);
        if (AdvSimd.Arm64.IsSupported)
            return AdvSimd.Arm64.ZipHigh(a, b);
        return Vector128.Create(a[2], b[2], a[3], b[3]);
    }
}
