using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace Decant.Engine.Kernels.Arithmetic;

/// <summary>As <see cref="Transposition"/>, for double precision.</summary>
internal static unsafe class DoubleTransposition
{
    /// <summary>Blocks of 4 × 4 by AVX where vectors hold that many, the rest element by element.</summary>
    public static void Doubles(int lanes, double* source, long sourceStride, int rowCount, int columnCount, double* target, long targetStride)
    {
        int wholeRows = lanes >= 4 && Avx.IsSupported ? rowCount / 4 * 4 : 0;
        int wholeColumns = lanes >= 4 && Avx.IsSupported ? columnCount / 4 * 4 : 0;
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

    private static void Scalar(double* source, long sourceStride, int rowCount, int columnCount, double* target, long targetStride)
    {
        for (int row = 0; row < rowCount; row++)
        {
            for (int column = 0; column < columnCount; column++)
                target[column * targetStride + row] = source[row * sourceStride + column];
        }
    }

    // A register takes two columns of rows i and i + 2, so that what follows stays within 128-bit lanes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void FourByFour(double* source, long sourceStride, double* target, long targetStride)
    {
        for (int half = 0; half < 2; half++)
        {
            Vector256<double> a0 = Vector256.Create(Vector128.Load(source), Vector128.Load(source + 2 * sourceStride));
            Vector256<double> a1 = Vector256.Create(Vector128.Load(source + sourceStride), Vector128.Load(source + 3 * sourceStride));
            Avx.UnpackLow(a0, a1).Store(target);
            Avx.UnpackHigh(a0, a1).Store(target + targetStride);
            source += 2;
            target += 2 * targetStride;
        }
    }
}
