using System.Collections.Concurrent;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels.Bytes;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>A kernel of the list, not yet created: most programs use two or three of them.</summary>
/// <param name="Format">The format it reads, as ggml spells it.</param>
/// <param name="Instructions">What the processor must have.</param>
/// <param name="Arithmetic">What it computes in.</param>
/// <param name="Shapes">The numbers of tokens it is for.</param>
/// <param name="IsForOneFormat">True if it reads the stored codes of this format itself; false if it multiplies what the row decoder returns.</param>
/// <param name="Create">Creates it.</param>
internal sealed record KernelEntry(
    string Format, InstructionSet Instructions, DecoderArithmetic Arithmetic, ProductShapes Shapes, bool IsForOneFormat, Func<ProductKernel> Create)
{
    /// <summary>As in <c>avx512-q4_0</c>, or <c>avx512-q4_0-int8</c> with activations of 8 bits.</summary>
    public string Name { get; } = ProductKernel.NameOf(Format, Instructions, Arithmetic);
}

/// <summary>
/// Every product kernel in one list: by instruction set, best first; within a set those in whole numbers, then those in single precision; of these the
/// ones written for a format, then those that serve any. Kernels are chosen once, when a weight is loaded.
/// </summary>
internal static class KernelList
{
    private const ProductShapes AllShapes = ProductShapes.FewTokens | ProductShapes.ManyTokens;

    private static readonly ConcurrentDictionary<KernelEntry, ProductKernel> created = new();

    /// <summary>The list. Of several entries that would do the first is taken.</summary>
    public static IReadOnlyList<KernelEntry> All { get; } =
    [
        // With vectors of 512 bits there is only the form for short codes; bytes do better with the 256 bits of AVX-VNNI, where the processor has both.
        .. AvxVnni.IsSupported ? OnBytes<PartOpsVnni, Vector512<byte>, ByteOps512>(InstructionSet.Avx512) : OnBytes<PartOps256, Vector512<byte>, ByteOps512>(InstructionSet.Avx512),
        .. AvxVnni.IsSupported ? OnBytes<PartOpsVnni, Vector256<byte>, ByteOpsVnni>(InstructionSet.Avx512).Where(entry => entry.Format is "Q8_0" or "IQ4_NL" or "IQ4_XS") : [],
        .. OnVectors<Vector512<float>, Ops512>(InstructionSet.Avx512),
        .. OnBytes<PartOpsVnni, Vector256<byte>, ByteOpsVnni>(InstructionSet.AvxVnni),
        .. OnVectors<Vector256<float>, Ops256>(InstructionSet.AvxVnni),
        .. OnBytes<PartOps256, Vector256<byte>, ByteOps256>(InstructionSet.Avx2),
        .. OnVectors<Vector256<float>, Ops256>(InstructionSet.Avx2),
        .. OnBytes<PartOps128, Vector128<byte>, ByteOps128>(InstructionSet.Vector128Bit),
        .. OnVectors<Vector128<float>, Ops128>(InstructionSet.Vector128Bit),
        .. TensorFormats.All.Select(format => new KernelEntry(
            format.Name, InstructionSet.Scalar, DecoderArithmetic.Float, AllShapes, false, () => new ScalarKernel(format))),
    ];

    /// <summary>The first kernel of an instruction set for a format and a number of tokens, in the arithmetic asked for or else in single precision.</summary>
    public static ProductKernel Choose(TensorFormat format, InstructionSet instructions, DecoderArithmetic arithmetic, ProductShapes shape) =>
        Create(All.First(entry => entry.Instructions == instructions && entry.Format == format.Name && entry.Shapes.HasFlag(shape)
            && (entry.Arithmetic == arithmetic || entry.Arithmetic == DecoderArithmetic.Float)));

    /// <summary>The kernel that decodes a format on an instruction set.</summary>
    public static WeightKernel Choose(TensorFormat format, InstructionSet instructions) =>
        (WeightKernel)Choose(format, instructions, DecoderArithmetic.Float, ProductShapes.FewTokens);

    /// <summary>The one kernel of an entry.</summary>
    public static ProductKernel Create(KernelEntry entry) => created.GetOrAdd(entry, static e => e.Create());

    private static IEnumerable<KernelEntry> OnBytes<TParts, TBytes, TOps>(InstructionSet set)
        where TParts : struct, IPartOps
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        KernelEntry Kernel<TLayout, TBlock>()
            where TLayout : struct, IPanelLayout
            where TBlock : struct, ICodeBlock => new(
                TBlock.Format, set, DecoderArithmetic.Fast,
                TBlock.LargestStored <= TOps.LargestCode ? AllShapes : ProductShapes.FewTokens, true,
                () => new ByteKernel<TParts, TBytes, TOps, TLayout, TBlock>(set));
        return
        [
            Kernel<ShortPanel, Q8_0Codes>(),
            Kernel<ShortPanel, Q4_0Codes>(),
            Kernel<ShortOffsetPanel, Q4_1Codes>(),
            Kernel<ShortPanel, Q5_0Codes>(),
            Kernel<ShortOffsetPanel, Q5_1Codes>(),
            Kernel<Groups16MinimaPanel, Q2_KCodes>(),
            Kernel<Groups16Panel, Q3_KCodes>(),
            Kernel<Groups32MinimaPanel, Q4_KCodes>(),
            Kernel<Groups16MinimaPanel, Q5_KCodes>(),
            Kernel<Groups16Panel, Q6_KCodes>(),
            Kernel<ShortPanel, IQ4_NLCodes>(),
            Kernel<Groups32Panel, IQ4_XSCodes>(),
            Kernel<LongPanel, TQ1_0Codes>(),
            Kernel<LongPanel, TQ2_0Codes>(),
            Kernel<ShortPanel, MXFP4Codes>(),
        ];
    }

    private static IEnumerable<KernelEntry> OnVectors<TVector, TOps>(InstructionSet set)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        KernelEntry Plain<TElement>()
            where TElement : struct, IPlainElement => new(TElement.Format, set, DecoderArithmetic.Float, AllShapes, true, () => new PlainKernel<TVector, TOps, TElement>(set));
        KernelEntry Short<TBlock>()
            where TBlock : struct, ICodeBlock => new(TBlock.Format, set, DecoderArithmetic.Float, AllShapes, true, () => new ShortCodeKernel<TVector, TOps, TBlock>(set));
        KernelEntry Long<TBlock>()
            where TBlock : struct, ICodeBlock => new(TBlock.Format, set, DecoderArithmetic.Float, AllShapes, true, () => new LongCodeKernel<TVector, TOps, TBlock>(set));
        return
        [
            Plain<SingleElement>(),
            Plain<HalfElement>(),
            Plain<BrainFloatElement>(),
            Short<Q8_0Codes>(),
            Short<Q4_0Codes>(),
            Short<Q4_1Codes>(),
            Short<Q5_0Codes>(),
            Short<Q5_1Codes>(),
            Short<Q8_1Codes>(),
            Long<Q2_KCodes>(),
            Long<Q3_KCodes>(),
            Long<Q4_KCodes>(),
            Long<Q5_KCodes>(),
            Long<Q6_KCodes>(),
            Long<Q8_KCodes>(),
            Short<IQ4_NLCodes>(),
            Long<IQ4_XSCodes>(),
            Long<TQ1_0Codes>(),
            Long<TQ2_0Codes>(),
            Short<MXFP4Codes>(),
            .. TensorFormats.All.Select(format => new KernelEntry(format.Name, set, DecoderArithmetic.Float, AllShapes, false, () => new DecodingKernel(format, set))),
        ];
    }
}
