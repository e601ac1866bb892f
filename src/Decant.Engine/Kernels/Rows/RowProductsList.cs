using System.Runtime.Intrinsics;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Rows;

/// <summary>Every <see cref="RowProducts"/>, and with that every format in which keys and values can be kept. A new one is one line.</summary>
internal static class RowProductsList
{
    /// <summary>The list.</summary>
    public static IReadOnlyList<RowProducts> All { get; } =
    [
        .. OnVectors<Vector512<float>, Ops512>(InstructionSet.Avx512),
        .. OnVectors<Vector256<float>, Ops256>(InstructionSet.Avx2),
        .. OnVectors<Vector128<float>, Ops128>(InstructionSet.Vector128Bit),
        .. OnVectors<float, ScalarOps>(InstructionSet.Scalar),
    ];

    /// <summary>The formats, exact ones first.</summary>
    public static IReadOnlyList<TensorFormat> Formats { get; } =
        [.. All.Where(products => products.Instructions == InstructionSet.Scalar).Select(products => TensorFormats.FindByName(products.Format)!)];

    /// <summary>The products of a format on an instruction set.</summary>
    public static RowProducts Choose(TensorFormat format, InstructionSet instructions) =>
        All.First(products => products.Instructions == instructions && products.Format == format.Name);

    private static RowProducts[] OnVectors<TVector, TOps>(InstructionSet set)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> =>
    [
        new StoredRowProducts<TVector, TOps, PlainRow<SingleElement>>(set),
        new StoredRowProducts<TVector, TOps, PlainRow<HalfElement>>(set),
        new StoredRowProducts<TVector, TOps, PlainRow<BrainFloatElement>>(set),
        new StoredRowProducts<TVector, TOps, Q8_0Row>(set),
        new StoredRowProducts<TVector, TOps, Q4_0Row>(set),
    ];
}
