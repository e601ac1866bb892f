using Decant.Core.Formats;
using Decant.Engine.Kernels.Encoding.Blocks;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>Every row encoder, best first. A new vectorised format is one line in <see cref="OnLanes"/>.</summary>
internal static class RowEncoders
{
    // A level at a time: the runtime makes types and compiles code for every line that is reached.
    private static readonly (InstructionSet Level, Lazy<(TensorFormat Format, Lazy<RowEncoder> Encoder)[]> Entries)[] levels =
    [
        (InstructionSet.Avx512, new(() => OnLanes<Lanes512>(InstructionSet.Avx512))),
        (InstructionSet.Avx2, new(() => OnLanes<Lanes256>(InstructionSet.Avx2))),
        (InstructionSet.Vector128Bit, new(() => OnLanes<Lanes128>(InstructionSet.Vector128Bit))),
        (InstructionSet.Scalar, new(() =>
            [.. TensorFormats.All.Where(format => format.CanEncode).Select(format => (format, new Lazy<RowEncoder>(() => new ScalarRowEncoder(format))))])),
    ];

    /// <summary>The whole list.</summary>
    public static IReadOnlyList<RowEncoder> All => [.. levels.SelectMany(level => level.Entries.Value).Select(entry => entry.Encoder.Value)];

    /// <summary>The first encoder of a format on one of some instruction sets.</summary>
    public static RowEncoder Choose(TensorFormat format, IReadOnlyList<InstructionSet> sets) =>
        levels.Where(level => sets.Contains(level.Level)).SelectMany(level => level.Entries.Value).First(entry => entry.Format == format).Encoder.Value;

    private static (TensorFormat Format, Lazy<RowEncoder> Encoder)[] OnLanes<T>(InstructionSet set)
        where T : unmanaged, ILanes<T> =>
    [
        (TensorFormats.F16, new(() => new HalfRowEncoder<T, F16Rounding<T>>(TensorFormats.F16, set))),
        (TensorFormats.BF16, new(() => new HalfRowEncoder<T, BF16Rounding<T>>(TensorFormats.BF16, set))),
        (TensorFormats.Q4_0, new(() => new LaneRowEncoder<T, Q4_0Lanes<T>>(TensorFormats.Q4_0, set))),
        (TensorFormats.Q4_1, new(() => new LaneRowEncoder<T, Q4_1Lanes<T>>(TensorFormats.Q4_1, set))),
        (TensorFormats.Q5_0, new(() => new LaneRowEncoder<T, Q5_0Lanes<T>>(TensorFormats.Q5_0, set))),
        (TensorFormats.Q5_1, new(() => new LaneRowEncoder<T, Q5_1Lanes<T>>(TensorFormats.Q5_1, set))),
        (TensorFormats.Q8_0, new(() => new LaneRowEncoder<T, Q8_0Lanes<T>>(TensorFormats.Q8_0, set))),
        (TensorFormats.Q2_K, new(() => new LaneRowEncoder<T, Q2_KLanes<T>>(TensorFormats.Q2_K, set))),
        (TensorFormats.Q3_K, new(() => new LaneRowEncoder<T, Q3_KLanes<T>>(TensorFormats.Q3_K, set))),
        (TensorFormats.Q4_K, new(() => new LaneRowEncoder<T, Q4_KLanes<T>>(TensorFormats.Q4_K, set))),
        (TensorFormats.Q5_K, new(() => new LaneRowEncoder<T, Q5_KLanes<T>>(TensorFormats.Q5_K, set))),
        (TensorFormats.Q6_K, new(() => new LaneRowEncoder<T, Q6_KLanes<T>>(TensorFormats.Q6_K, set))),
        (TensorFormats.IQ4_NL, new(() => new LaneRowEncoder<T, IQ4_NLLanes<T>>(TensorFormats.IQ4_NL, set))),
        (TensorFormats.IQ4_XS, new(() => new LaneRowEncoder<T, IQ4_XSLanes<T>>(TensorFormats.IQ4_XS, set))),
        (TensorFormats.TQ1_0, new(() => new LaneRowEncoder<T, TQ1_0Lanes<T>>(TensorFormats.TQ1_0, set))),
        (TensorFormats.TQ2_0, new(() => new LaneRowEncoder<T, TQ2_0Lanes<T>>(TensorFormats.TQ2_0, set))),
        (TensorFormats.MXFP4, new(() => new LaneRowEncoder<T, MXFP4Lanes<T>>(TensorFormats.MXFP4, set))),
        (TensorFormats.NVFP4, new(() => new LaneRowEncoder<T, NVFP4Lanes<T>>(TensorFormats.NVFP4, set))),
        (TensorFormats.Q1_0, new(() => new LaneRowEncoder<T, Q1_0Lanes<T>>(TensorFormats.Q1_0, set))),
        (TensorFormats.Q2_0, new(() => new LaneRowEncoder<T, Q2_0Lanes<T>>(TensorFormats.Q2_0, set))),
    ];
}
