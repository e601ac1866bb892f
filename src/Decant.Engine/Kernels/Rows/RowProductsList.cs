using System.Runtime.Intrinsics;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels.Rows;

/// <summary>Every <see cref="RowProducts"/>, and with that every format in which keys and values can be kept. A new one is a line in both lists.</summary>
internal static class RowProductsList
{
    // Created when chosen: the runtime makes types and compiles code for each.
    private static readonly (InstructionSet Level, Func<(string Format, Func<RowProducts> Create)[]> Entries)[] levels =
    [
        (InstructionSet.Avx512, () => OnVectors<Vector512<float>, Ops512>(InstructionSet.Avx512)),
        (InstructionSet.AvxVnni, () => OnVectors<Vector256<float>, Ops256>(InstructionSet.AvxVnni)),
        (InstructionSet.Avx2, () => OnVectors<Vector256<float>, Ops256>(InstructionSet.Avx2)),
        (InstructionSet.Vector128Bit, () => OnVectors<Vector128<float>, Ops128>(InstructionSet.Vector128Bit)),
        (InstructionSet.Scalar, () => OnVectors<float, ScalarOps>(InstructionSet.Scalar)),
    ];

    /// <summary>The formats, exact ones first.</summary>
    public static IReadOnlyList<TensorFormat> Formats { get; } = [TensorFormats.F32, TensorFormats.F16, TensorFormats.BF16, TensorFormats.Q8_0, TensorFormats.Q4_0];

    /// <summary>The products of a format on an instruction set.</summary>
    public static RowProducts Choose(TensorFormat format, InstructionSet instructions) =>
        Entries(instructions).First(entry => entry.Format == format.Name).Create();

    private static (string Format, Func<RowProducts> Create)[] Entries(InstructionSet instructions) =>
        levels.First(level => level.Level == instructions).Entries();

    private static (string Format, Func<RowProducts> Create)[] OnVectors<TVector, TOps>(InstructionSet set)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> =>
    [
        (PlainRow<SingleElement>.Format, () => new StoredRowProducts<TVector, TOps, PlainRow<SingleElement>>(set)),
        (PlainRow<HalfElement>.Format, () => new StoredRowProducts<TVector, TOps, PlainRow<HalfElement>>(set)),
        (PlainRow<BrainFloatElement>.Format, () => new StoredRowProducts<TVector, TOps, PlainRow<BrainFloatElement>>(set)),
        (Q8_0Row.Format, () => new StoredRowProducts<TVector, TOps, Q8_0Row>(set)),
        (Q4_0Row.Format, () => new StoredRowProducts<TVector, TOps, Q4_0Row>(set)),
    ];
}
