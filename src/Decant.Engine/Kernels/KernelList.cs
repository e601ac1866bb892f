using System.Collections.Concurrent;
using System.Runtime.Intrinsics;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Codes;
using Decant.Engine.Kernels.Vectors;

namespace Decant.Engine.Kernels;

/// <summary>A kernel of the list, not yet created: most programs use two or three of them.</summary>
/// <param name="Format">The format it reads, as ggml spells it.</param>
/// <param name="Instructions">What the processor must have.</param>
/// <param name="IsForOneFormat">True if it reads the stored codes of this format itself; false if it multiplies what the row decoder returns.</param>
/// <param name="Create">Creates it.</param>
internal sealed record KernelEntry(string Format, InstructionSet Instructions, bool IsForOneFormat, Func<WeightKernel> Create)
{
    /// <summary>As in <c>avx512-q4_0</c>.</summary>
    public string Name => WeightKernel.NameOf(Format, Instructions);
}

/// <summary>
/// Every weight kernel in one list: by instruction set, best first; within a set the kernels written for a format, then those that serve any
/// format. A kernel is chosen once, when a weight is loaded.
/// </summary>
internal static class KernelList
{
    private static readonly ConcurrentDictionary<KernelEntry, WeightKernel> created = new();

    /// <summary>The list. Of several entries for one format and instruction set the first is taken.</summary>
    public static IReadOnlyList<KernelEntry> All { get; } =
    [
        .. OnVectors<Vector512<float>, Ops512>(InstructionSet.Avx512),
        .. OnVectors<Vector256<float>, Ops256>(InstructionSet.Avx2),
        .. OnVectors<Vector128<float>, Ops128>(InstructionSet.Vector128Bit),
        .. TensorFormats.All.Select(format => new KernelEntry(format.Name, InstructionSet.Scalar, false, () => new ScalarKernel(format))),
    ];

    /// <summary>The first kernel of an instruction set for a format.</summary>
    public static WeightKernel Choose(TensorFormat format, InstructionSet instructions) =>
        Create(All.First(entry => entry.Instructions == instructions && entry.Format == format.Name));

    /// <summary>The one kernel of an entry.</summary>
    public static WeightKernel Create(KernelEntry entry) => created.GetOrAdd(entry, static e => e.Create());

    private static IEnumerable<KernelEntry> OnVectors<TVector, TOps>(InstructionSet set)
        where TVector : struct
        where TOps : struct, IVectorOps<TVector>
    {
        KernelEntry Plain<TElement>()
            where TElement : struct, IPlainElement => new(TElement.Format, set, true, () => new PlainKernel<TVector, TOps, TElement>(set));
        KernelEntry Short<TBlock>()
            where TBlock : struct, ICodeBlock => new(TBlock.Format, set, true, () => new ShortCodeKernel<TVector, TOps, TBlock>(set));
        KernelEntry Long<TBlock>()
            where TBlock : struct, ICodeBlock => new(TBlock.Format, set, true, () => new LongCodeKernel<TVector, TOps, TBlock>(set));
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
            .. TensorFormats.All.Select(format => new KernelEntry(format.Name, set, false, () => new DecodingKernel(format, set))),
        ];
    }
}
