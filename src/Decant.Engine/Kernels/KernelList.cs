using System.Runtime.Intrinsics;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>
/// Every weight kernel in one list: by instruction set, best first; within a set the kernels written for a format, then those that serve any
/// format. A kernel is chosen once, when a weight is loaded.
/// </summary>
internal static class KernelList
{
    /// <summary>The list.</summary>
    public static IReadOnlyList<WeightKernel> All { get; } =
    [
        .. OnVectors<Vector512<float>, Ops512>(InstructionSet.Avx512),
        .. OnVectors<Vector256<float>, Ops256>(InstructionSet.Avx2),
        .. OnVectors<Vector128<float>, Ops128>(InstructionSet.Vector128Bit),
        .. TensorFormats.All.Select(format => new ScalarKernel(format)),
    ];

    /// <summary>The first kernel of an instruction set for a format.</summary>
    public static WeightKernel Choose(TensorFormat format, InstructionSet instructions) =>
        All.First(kernel => kernel.Instructions == instructions && kernel.Format == format.Name);

    private static IEnumerable<WeightKernel> OnVectors<TVector, TOps>(InstructionSet set)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector> =>
        [
            new PlainKernel<TVector, TOps, SingleElement>(set),
            new PlainKernel<TVector, TOps, HalfElement>(set),
            new PlainKernel<TVector, TOps, BrainFloatElement>(set),
            new CodeKernel<TVector, TOps, Q8_0Codes>(set),
            new CodeKernel<TVector, TOps, Q4_0Codes>(set),
            new CodeKernel<TVector, TOps, Q4_1Codes>(set),
            new CodeKernel<TVector, TOps, Q5_0Codes>(set),
            new CodeKernel<TVector, TOps, Q5_1Codes>(set),
            new CodeKernel<TVector, TOps, Q8_1Codes>(set),
            new CodeKernel<TVector, TOps, Q2_KCodes>(set),
            new CodeKernel<TVector, TOps, Q3_KCodes>(set),
            new CodeKernel<TVector, TOps, Q4_KCodes>(set),
            new CodeKernel<TVector, TOps, Q5_KCodes>(set),
            new CodeKernel<TVector, TOps, Q6_KCodes>(set),
            new CodeKernel<TVector, TOps, Q8_KCodes>(set),
            new CodeKernel<TVector, TOps, IQ4_NLCodes>(set),
            new CodeKernel<TVector, TOps, IQ4_XSCodes>(set),
            new CodeKernel<TVector, TOps, TQ1_0Codes>(set),
            new CodeKernel<TVector, TOps, TQ2_0Codes>(set),
            new CodeKernel<TVector, TOps, MXFP4Codes>(set),
            .. TensorFormats.All.Select(format => new DecodingKernel(format, set)),
        ];
}
