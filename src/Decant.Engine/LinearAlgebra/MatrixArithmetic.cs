using System.Numerics;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.LinearAlgebra;

/// <summary>What linear algebra does with vectors of one width, in single or double precision. Sums run in a fixed order.</summary>
/// <typeparam name="T"><c>float</c> or <c>double</c>.</typeparam>
internal abstract unsafe class MatrixArithmetic<T>
    where T : unmanaged
{
    /// <summary>Elements per vector.</summary>
    public abstract int Lanes { get; }

    /// <summary>Columns of a full panel of a product's right operand.</summary>
    public abstract int PanelWidth { get; }

    /// <summary>The functions of an instruction set.</summary>
    /// <exception cref="NotSupportedException">The element is neither <c>float</c> nor <c>double</c>.</exception>
    public static MatrixArithmetic<T> For(InstructionSet instructions)
    {
        foreach ((InstructionSet set, object arithmetic) in MatrixArithmeticList.All)
        {
            if (set == instructions && arithmetic is MatrixArithmetic<T> functions)
                return functions;
        }
        throw new NotSupportedException($"Linear algebra computes in float and double, not in {typeof(T).Name}.");
    }

    /// <summary>c[i, j] = addend[i, j] + Σₖ a[i · rowStride + k · step] · b[k · width + j] for six rows: see <c>RegisterTile</c>. The addend may be null.</summary>
    public abstract void MultiplyTile(
        T* a, long rowStride, long step, T* b, int width, int depth, T* addend, long addendStride, T* c, long resultStride);

    /// <summary>target[column · targetStride + row] = source[row · sourceStride + column].</summary>
    public abstract void Transpose(T* source, long sourceStride, int rowCount, int columnCount, T* target, long targetStride);

    /// <summary>target = source.</summary>
    public static void Copy(T* source, T* target, int count) => new ReadOnlySpan<T>(source, count).CopyTo(new Span<T>(target, count));

    /// <summary>target = factor · source; both may be the same.</summary>
    public abstract void CopyScaled(T* source, T factor, T* target, int count);

    /// <summary>target = source, which are bits of BF16.</summary>
    public abstract void Widen(ushort* source, T* target, int count);

    /// <summary>Σ x[i] · y[i].</summary>
    public abstract T Dot(T* x, T* y, int count);

    /// <summary>target[i] += factor · addend[i].</summary>
    public abstract void AddScaled(T* target, T* addend, T factor, int count);

    /// <summary>x[i] ·= factor.</summary>
    public void Scale(T* x, T factor, int count) => CopyScaled(x, factor, x, count);

    /// <summary>max |x[i]|, or NaN if an element is not finite.</summary>
    public abstract T LargestMagnitude(T* x, int count);

    /// <summary>
    /// Turns neighbouring rows against each other, one pair after the next: for i from 0 on, with c and s of the i-th rotation,
    /// rows i and i + 1 become c · rowᵢ + s · rowᵢ₊₁ and c · rowᵢ₊₁ − s · rowᵢ.
    /// </summary>
    /// <param name="rows">The first row.</param>
    /// <param name="stride">Elements between rows.</param>
    /// <param name="count">Elements of each row that are turned.</param>
    /// <param name="cosines">One per rotation.</param>
    /// <param name="sines">One per rotation.</param>
    /// <param name="rotationCount">Rotations; one row more takes part.</param>
    public abstract void RotateRows(T* rows, long stride, int count, T* cosines, T* sines, int rotationCount);
}

/// <summary>The functions of every instruction set and precision.</summary>
internal static class MatrixArithmeticList
{
    /// <summary>The list.</summary>
    public static IReadOnlyList<(InstructionSet Set, object Arithmetic)> All { get; } =
    [
        (InstructionSet.Avx512, new VectorMatrixArithmetic<float, Vector512<float>, Ops512>()),
        (InstructionSet.Avx512, new VectorMatrixArithmetic<double, Vector512<double>, DoubleOps512>()),
        (InstructionSet.Avx2, new VectorMatrixArithmetic<float, Vector256<float>, Ops256>()),
        (InstructionSet.Avx2, new VectorMatrixArithmetic<double, Vector256<double>, DoubleOps256>()),
        (InstructionSet.Vector128Bit, new VectorMatrixArithmetic<float, Vector128<float>, Ops128>()),
        (InstructionSet.Vector128Bit, new VectorMatrixArithmetic<double, Vector128<double>, DoubleOps128>()),
        (InstructionSet.Scalar, new VectorMatrixArithmetic<float, float, ScalarOps>()),
        (InstructionSet.Scalar, new VectorMatrixArithmetic<double, double, ScalarDoubleOps>()),
    ];
}
