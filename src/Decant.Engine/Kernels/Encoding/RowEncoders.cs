using Decant.Core.Formats;
using Decant.Engine.Kernels.Encoding.Blocks;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>Every row encoder, best first. A new vectorised format is one line in <see cref="OnLanes"/>.</summary>
internal static class RowEncoders
{
    /// <summary>The list.</summary>
    public static IReadOnlyList<RowEncoder> All { get; } =
    [
        .. OnLanes<Lanes512>(InstructionSet.Avx512),
        .. OnLanes<Lanes256>(InstructionSet.Avx2),
        .. OnLanes<Lanes128>(InstructionSet.Vector128Bit),
        .. TensorFormats.All.Where(format => format.CanEncode).Select(format => new ScalarRowEncoder(format)),
    ];

    private static RowEncoder[] OnLanes<T>(InstructionSet instructions)
        where T : unmanaged, ILanes<T> =>
    [
        new HalfRowEncoder<T, F16Rounding<T>>(TensorFormats.F16, instructions),
        new HalfRowEncoder<T, BF16Rounding<T>>(TensorFormats.BF16, instructions),
        new LaneRowEncoder<T, Q4_0Lanes<T>>(TensorFormats.Q4_0, instructions),
        new LaneRowEncoder<T, Q4_1Lanes<T>>(TensorFormats.Q4_1, instructions),
        new LaneRowEncoder<T, Q5_0Lanes<T>>(TensorFormats.Q5_0, instructions),
        new LaneRowEncoder<T, Q5_1Lanes<T>>(TensorFormats.Q5_1, instructions),
        new LaneRowEncoder<T, Q8_0Lanes<T>>(TensorFormats.Q8_0, instructions),
        new LaneRowEncoder<T, Q2_KLanes<T>>(TensorFormats.Q2_K, instructions),
        new LaneRowEncoder<T, Q3_KLanes<T>>(TensorFormats.Q3_K, instructions),
        new LaneRowEncoder<T, Q4_KLanes<T>>(TensorFormats.Q4_K, instructions),
        new LaneRowEncoder<T, Q5_KLanes<T>>(TensorFormats.Q5_K, instructions),
        new LaneRowEncoder<T, Q6_KLanes<T>>(TensorFormats.Q6_K, instructions),
        new LaneRowEncoder<T, IQ4_NLLanes<T>>(TensorFormats.IQ4_NL, instructions),
        new LaneRowEncoder<T, IQ4_XSLanes<T>>(TensorFormats.IQ4_XS, instructions),
        new LaneRowEncoder<T, TQ1_0Lanes<T>>(TensorFormats.TQ1_0, instructions),
        new LaneRowEncoder<T, TQ2_0Lanes<T>>(TensorFormats.TQ2_0, instructions),
        new LaneRowEncoder<T, MXFP4Lanes<T>>(TensorFormats.MXFP4, instructions),
        new LaneRowEncoder<T, NVFP4Lanes<T>>(TensorFormats.NVFP4, instructions),
        new LaneRowEncoder<T, Q1_0Lanes<T>>(TensorFormats.Q1_0, instructions),
        new LaneRowEncoder<T, Q2_0Lanes<T>>(TensorFormats.Q2_0, instructions),
    ];
}
