namespace Decant.Engine.Kernels;

/// <summary>What may be said about a kernel outside the engine.</summary>
/// <param name="Name">As in <c>avx512-q4_0</c>.</param>
/// <param name="Level">The instruction set it is written for, as <c>--kernel</c> takes it.</param>
/// <param name="Format">The storage format it reads.</param>
/// <param name="IsSupported">True if this processor and this build can run it.</param>
public sealed record KernelDescription(string Name, string Level, string Format, bool IsSupported);

/// <summary>The kernels of this build, for lists and reports.</summary>
public static class KernelCatalog
{
    /// <summary>All weight kernels, best first.</summary>
    public static IReadOnlyList<KernelDescription> All { get; } =
        [.. KernelList.All.Select(kernel => new KernelDescription(kernel.Name, kernel.Instructions.Name, kernel.Format, kernel.Instructions.IsSupported))];

    /// <summary>Names of the levels that this processor and this build can run, best first.</summary>
    public static IReadOnlyList<string> SupportedLevels { get; } = [.. InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name)];
}
