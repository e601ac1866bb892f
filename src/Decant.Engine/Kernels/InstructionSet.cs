using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Decant.Core.Errors;
using Decant.Engine.Kernels.Arithmetic;
using Decant.Engine.Kernels.Bytes;
using Decant.Engine.Kernels.Vectors;
using Decant.Engine.Measurement;

namespace Decant.Engine.Kernels;

/// <summary>A group of processor instructions that kernels are written for; the list is ordered from best to plainest.</summary>
internal sealed class InstructionSet
{
    // Created when used: most programs use those of one set.
    private readonly Lazy<FloatArithmetic> arithmetic;
    private readonly Lazy<MachineProbe> probe;

    internal InstructionSet(string name, bool isSupported, Func<FloatArithmetic> arithmetic, Func<MachineProbe> probe)
    {
        Name = name;
        IsSupported = isSupported;
        this.arithmetic = new(arithmetic);
        this.probe = new(probe);
    }

    /// <summary>512-bit vectors with 32 registers.</summary>
    public static InstructionSet Avx512 { get; } = new(
        "avx512", Avx512F.IsSupported && Avx512BW.IsSupported && Avx512DQ.IsSupported && Avx512F.VL.IsSupported,
        static () => new VectorArithmetic<Vector512<float>, Ops512>(), static () => new MachineProbe<Vector512<float>, Ops512, Vector512<byte>, ByteOps512>());

    /// <summary>256-bit vectors with fused multiply–add and the dot product of bytes.</summary>
    public static InstructionSet AvxVnni { get; } = new(
        "avxvnni", System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported && System.Runtime.Intrinsics.X86.AvxVnni.IsSupported,
        static () => new VectorArithmetic<Vector256<float>, Ops256>(), static () => new MachineProbe<Vector256<float>, Ops256, Vector256<byte>, ByteOpsVnni>());

    /// <summary>256-bit vectors with fused multiply–add.</summary>
    public static InstructionSet Avx2 { get; } = new(
        "avx2", System.Runtime.Intrinsics.X86.Avx2.IsSupported && Fma.IsSupported,
        static () => new VectorArithmetic<Vector256<float>, Ops256>(), static () => new MachineProbe<Vector256<float>, Ops256, Vector256<byte>, ByteOps256>());

    /// <summary>128-bit vectors through the portable type: Arm AdvSimd, older x86.</summary>
    public static InstructionSet Vector128Bit { get; } = new(
        "vector128", Vector128.IsHardwareAccelerated,
        static () => new VectorArithmetic<Vector128<float>, Ops128>(), static () => new MachineProbe<Vector128<float>, Ops128, Vector128<byte>, ByteOps128>());

    /// <summary>No vectors.</summary>
    public static InstructionSet Scalar { get; } = new("scalar", true, static () => new VectorArithmetic<float, ScalarOps>(), static () => new ScalarMachineProbe());

    /// <summary>Best first.</summary>
    public static IReadOnlyList<InstructionSet> All { get; } = [Avx512, AvxVnni, Avx2, Vector128Bit, Scalar];

    /// <summary>The best this processor has.</summary>
    public static InstructionSet Best => All.First(set => set.IsSupported);

    /// <summary>As <c>--kernel</c> spells it.</summary>
    public string Name { get; }

    /// <summary>True if this processor (and this build) has the instructions.</summary>
    public bool IsSupported { get; }

    /// <summary>The functions of a decoder on these vectors.</summary>
    public FloatArithmetic Arithmetic => arithmetic.Value;

    /// <summary>What shows the limits of these vectors.</summary>
    public MachineProbe Probe => probe.Value;

    /// <summary>The set of this name, or the best for null.</summary>
    /// <exception cref="UsageException">There is no such set, or the processor lacks it.</exception>
    public static InstructionSet Find(string? name) => name is null ? Best : Find(name, All);

    /// <summary>The set of this name in a list.</summary>
    internal static InstructionSet Find(string name, IReadOnlyList<InstructionSet> sets)
    {
        InstructionSet? set = sets.FirstOrDefault(s => s.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        string supported = string.Join(", ", sets.Where(s => s.IsSupported).Select(s => s.Name));
        if (set is null)
            throw new UsageException($"There is no kernel level '{name}'. This processor runs: {supported}.");
        if (!set.IsSupported)
            throw new UsageException($"This processor lacks the instructions of kernel level '{set.Name}'. It runs: {supported}.");
        return set;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;
}
