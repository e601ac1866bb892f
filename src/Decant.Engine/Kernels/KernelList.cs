using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels.Bytes;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>A kernel of the list, created when it is first used: most programs use two or three of them.</summary>
/// <param name="format">The format it reads, as ggml spells it.</param>
/// <param name="instructions">What the processor must have.</param>
/// <param name="arithmetic">What it computes in.</param>
/// <param name="shapes">The numbers of tokens it is for.</param>
/// <param name="isForOneFormat">True if it reads the stored codes of this format itself; false if it multiplies what the row decoder returns.</param>
/// <param name="create">Creates it.</param>
internal sealed class KernelEntry(
    string format, InstructionSet instructions, DecoderArithmetic arithmetic, ProductShapes shapes, bool isForOneFormat, Func<ProductKernel> create)
{
    private readonly Lazy<ProductKernel> kernel = new(create);

    /// <summary>As in <c>avx512-q4_0</c>, or <c>avx512-q4_0-int8</c> with activations of 8 bits.</summary>
    public string Name => ProductKernel.NameOf(Format, Instructions, Arithmetic);

    /// <summary>The format it reads, as ggml spells it.</summary>
    public string Format { get; } = format;

    /// <summary>What the processor must have.</summary>
    public InstructionSet Instructions { get; } = instructions;

    /// <summary>What it computes in.</summary>
    public DecoderArithmetic Arithmetic { get; } = arithmetic;

    /// <summary>The numbers of tokens it is for.</summary>
    public ProductShapes Shapes { get; } = shapes;

    /// <summary>True if it reads the stored codes of this format itself; false if it multiplies what the row decoder returns.</summary>
    public bool IsForOneFormat { get; } = isForOneFormat;

    /// <summary>The one kernel of this entry.</summary>
    public ProductKernel Kernel => kernel.Value;
}

/// <summary>
/// Every product kernel in one list: by instruction set, best first; within a set those in whole numbers, then those in single precision; of these the
/// ones written for a format, then those that serve the other formats. No two have one name. Kernels are chosen once, when a weight is loaded.
/// </summary>
internal static class KernelList
{
    private const ProductShapes AllShapes = ProductShapes.FewTokens | ProductShapes.ManyTokens;

    // A level at a time, because the runtime makes types and compiles code for every line that is reached: a program pays for its own level only.
    private static readonly (InstructionSet Level, Lazy<KernelEntry[]> Entries)[] levels =
    [
        (InstructionSet.Avx512, new(() =>
        [
            .. OnBytes512(AvxVnni.IsSupported),
            .. OnVectors<Vector512<float>, Ops512>(InstructionSet.Avx512),
        ])),
        (InstructionSet.AvxVnni, new(() =>
        [
            .. OnBytes<PartOpsVnni, Vector256<byte>, ByteOpsVnni>(InstructionSet.AvxVnni),
            .. OnVectors<Vector256<float>, Ops256>(InstructionSet.AvxVnni),
        ])),
        (InstructionSet.Avx2, new(() =>
        [
            .. OnBytes<PartOps256, Vector256<byte>, ByteOps256>(InstructionSet.Avx2),
            .. OnVectors<Vector256<float>, Ops256>(InstructionSet.Avx2),
        ])),
        (InstructionSet.Vector128Bit, new(() =>
        [
            .. OnBytes<PartOps128, Vector128<byte>, ByteOps128>(InstructionSet.Vector128Bit),
            .. OnVectors<Vector128<float>, Ops128>(InstructionSet.Vector128Bit),
        ])),
        (InstructionSet.Scalar, new(() => OfEveryFormat(InstructionSet.Scalar, format => new ScalarKernel(format)))),
    ];

    /// <summary>The whole list. Of several entries that would do the first is taken.</summary>
    public static IReadOnlyList<KernelEntry> All => [.. levels.SelectMany(level => level.Entries.Value)];

    /// <summary>The first kernel of an instruction set for a format and a number of tokens, in the arithmetic asked for or else in single precision.</summary>
    public static ProductKernel Choose(TensorFormat format, InstructionSet instructions, DecoderArithmetic arithmetic, ProductShapes shape)
    {
        KernelEntry[] entries = levels.First(level => level.Level == instructions).Entries.Value;
        return entries.First(entry => entry.Format == format.Name && (entry.Shapes & shape) != 0
            && (entry.Arithmetic == arithmetic || entry.Arithmetic == DecoderArithmetic.Float)).Kernel;
    }

    /// <summary>The kernel that decodes a format on an instruction set.</summary>
    public static WeightKernel Choose(TensorFormat format, InstructionSet instructions) =>
        (WeightKernel)Choose(format, instructions, DecoderArithmetic.Float, ProductShapes.FewTokens);

    /// <summary>
    /// Products in whole numbers where there are vectors of 512 bits. Those have only the form for short codes; formats with longer ones do better, for many
    /// tokens, with the 256 bits of AVX-VNNI, where the processor has both. They get that kernel for few tokens too: so a name is one kernel, and rows side by
    /// side serve any number of tokens.
    /// </summary>
    internal static KernelEntry[] OnBytes512(bool hasDotProduct)
    {
        if (!hasDotProduct)
            return OnBytes<PartOps256, Vector512<byte>, ByteOps512>(InstructionSet.Avx512);
        KernelEntry[] wide = OnBytes<PartOpsVnni, Vector512<byte>, ByteOps512>(InstructionSet.Avx512);
        KernelEntry[] narrow = OnBytes<PartOpsVnni, Vector256<byte>, ByteOpsVnni>(InstructionSet.Avx512);
        return [.. wide.Zip(narrow, (first, second) => first.Shapes == AllShapes ? first : second)];
    }

    /// <summary>Products in whole numbers on some operations, an entry a format.</summary>
    internal static KernelEntry[] OnBytes<TParts, TBytes, TOps>(InstructionSet set)
        where TParts : struct, IPartOps
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        // No generic function, which would be compiled for every line.
        KernelEntry Entry(string format, int largestStored, Func<ProductKernel> create) => new(
            format, set, DecoderArithmetic.Fast, largestStored <= TOps.LargestCode ? AllShapes : ProductShapes.FewTokens, true, create);
        return
        [
            Entry(Q8_0Codes.Format, Q8_0Codes.LargestStored, () => OnWideCodes<TParts, TBytes, TOps, ShortPanel, Q8_0Codes>(set)),
            Entry(Q4_0Codes.Format, Q4_0Codes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, ShortPanel, Q4_0Codes>(set)),
            Entry(Q4_1Codes.Format, Q4_1Codes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, ShortOffsetPanel, Q4_1Codes>(set)),
            Entry(Q5_0Codes.Format, Q5_0Codes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, ShortPanel, Q5_0Codes>(set)),
            Entry(Q5_1Codes.Format, Q5_1Codes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, ShortOffsetPanel, Q5_1Codes>(set)),
            Entry(Q2_KCodes.Format, Q2_KCodes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, Groups16MinimaPanel, Q2_KCodes>(set)),
            Entry(Q3_KCodes.Format, Q3_KCodes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, Groups16Panel, Q3_KCodes>(set)),
            Entry(Q4_KCodes.Format, Q4_KCodes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, Groups32MinimaPanel, Q4_KCodes>(set)),
            Entry(Q5_KCodes.Format, Q5_KCodes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, Groups16MinimaPanel, Q5_KCodes>(set)),
            Entry(Q6_KCodes.Format, Q6_KCodes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, Groups16Panel, Q6_KCodes>(set)),
            Entry(IQ4_NLCodes.Format, IQ4_NLCodes.LargestStored, () => OnWideCodes<TParts, TBytes, TOps, ShortPanel, IQ4_NLCodes>(set)),
            Entry(IQ4_XSCodes.Format, IQ4_XSCodes.LargestStored, () => OnWideCodes<TParts, TBytes, TOps, Groups32Panel, IQ4_XSCodes>(set)),
            Entry(TQ1_0Codes.Format, TQ1_0Codes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, LongPanel, TQ1_0Codes>(set)),
            Entry(TQ2_0Codes.Format, TQ2_0Codes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, LongPanel, TQ2_0Codes>(set)),
            Entry(MXFP4Codes.Format, MXFP4Codes.LargestStored, () => new ByteKernel<TParts, TBytes, TOps, ShortPanel, MXFP4Codes>(set)),
        ];
    }

    // Codes of 8 bits, which only some instruction sets can sum as they are.
    private static ProductKernel OnWideCodes<TParts, TBytes, TOps, TLayout, TBlock>(InstructionSet set)
        where TParts : struct, IPartOps
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
        where TLayout : struct, IPanelLayout
        where TBlock : struct, ICodeBlock =>
        TBlock.LargestStored <= TOps.LargestCode
            ? new ByteKernel<TParts, TBytes, TOps, TLayout, TBlock>(set)
            : new SplitKernel<TParts, TBytes, TOps, TLayout, TBlock>(set);

    private static KernelEntry[] OnVectors<TVector, TOps>(InstructionSet set)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        KernelEntry Entry(string format, Func<ProductKernel> create) => new(format, set, DecoderArithmetic.Float, AllShapes, true, create);
        KernelEntry[] own =
        [
            Entry(SingleElement.Format, () => new PlainKernel<TVector, TOps, SingleElement>(set)),
            Entry(HalfElement.Format, () => OnHalves<TVector, TOps>(set)),
            Entry(BrainFloatElement.Format, () => new PlainKernel<TVector, TOps, BrainFloatElement>(set)),
            Entry(Q8_0Codes.Format, () => new ShortCodeKernel<TVector, TOps, Q8_0Codes>(set)),
            Entry(Q4_0Codes.Format, () => new ShortCodeKernel<TVector, TOps, Q4_0Codes>(set)),
            Entry(Q4_1Codes.Format, () => new ShortCodeKernel<TVector, TOps, Q4_1Codes>(set)),
            Entry(Q5_0Codes.Format, () => new ShortCodeKernel<TVector, TOps, Q5_0Codes>(set)),
            Entry(Q5_1Codes.Format, () => new ShortCodeKernel<TVector, TOps, Q5_1Codes>(set)),
            Entry(Q8_1Codes.Format, () => new ShortCodeKernel<TVector, TOps, Q8_1Codes>(set)),
            Entry(Q2_KCodes.Format, () => new LongCodeKernel<TVector, TOps, Q2_KCodes>(set)),
            Entry(Q3_KCodes.Format, () => new LongCodeKernel<TVector, TOps, Q3_KCodes>(set)),
            Entry(Q4_KCodes.Format, () => new LongCodeKernel<TVector, TOps, Q4_KCodes>(set)),
            Entry(Q5_KCodes.Format, () => new LongCodeKernel<TVector, TOps, Q5_KCodes>(set)),
            Entry(Q6_KCodes.Format, () => new LongCodeKernel<TVector, TOps, Q6_KCodes>(set)),
            Entry(Q8_KCodes.Format, () => new LongCodeKernel<TVector, TOps, Q8_KCodes>(set)),
            Entry(IQ4_NLCodes.Format, () => new ShortCodeKernel<TVector, TOps, IQ4_NLCodes>(set)),
            Entry(IQ4_XSCodes.Format, () => new LongCodeKernel<TVector, TOps, IQ4_XSCodes>(set)),
            Entry(TQ1_0Codes.Format, () => new LongCodeKernel<TVector, TOps, TQ1_0Codes>(set)),
            Entry(TQ2_0Codes.Format, () => new LongCodeKernel<TVector, TOps, TQ2_0Codes>(set)),
            Entry(MXFP4Codes.Format, () => new ShortCodeKernel<TVector, TOps, MXFP4Codes>(set)),
        ];
        HashSet<string> served = [.. own.Select(entry => entry.Format)];
        return [.. own, .. OfEveryFormat(set, format => new DecodingKernel(format, set)).Where(entry => !served.Contains(entry.Format))];
    }

    private static PlainKernel<TVector, TOps, HalfElement> OnHalves<TVector, TOps>(InstructionSet set)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        var pairs = new PlainKernel<TVector, TOps, PairedHalfElement>(set);
        return new PlainKernel<TVector, TOps, HalfElement>(set, new PlainKernel<TVector, TOps, DenormalHalfElement>(set, pairs: pairs), pairs);
    }

    private static KernelEntry[] OfEveryFormat(InstructionSet set, Func<TensorFormat, ProductKernel> create) =>
        [.. TensorFormats.All.Select(format => new KernelEntry(format.Name, set, DecoderArithmetic.Float, AllShapes, false, () => create(format)))];
}
