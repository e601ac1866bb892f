using Decant.Core.Formats;

namespace Decant.Engine.Kernels;

/// <summary>Every weight kernel, best first. A kernel is chosen once, when a weight is loaded.</summary>
internal static class KernelList
{
    /// <summary>The list.</summary>
    public static IReadOnlyList<WeightKernel> All { get; } =
    [
        .. TensorFormats.All.Select(format => new ScalarKernel(format)),
    ];

    /// <summary>The first kernel for a format that needs no more than the given instructions.</summary>
    public static WeightKernel Choose(TensorFormat format, InstructionSet instructions)
    {
        int level = InstructionSet.All.ToList().IndexOf(instructions);
        return All.First(kernel => kernel.Format == format.Name && InstructionSet.All.ToList().IndexOf(kernel.Instructions) >= level);
    }
}
