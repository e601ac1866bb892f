using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Inference;

namespace Decant.Engine.Kernels;

/// <summary>Which kernels a decoder takes: the best of a level, save where one is forced by name.</summary>
internal sealed class KernelSelection
{
    private readonly List<KernelEntry> forced = [];
    private readonly HashSet<KernelEntry> unused = [];

    /// <summary>Reads an option.</summary>
    /// <param name="names">Null, or a level (<c>avx2</c>), or kernels (<c>avx2-q4_0-int8</c>), or both, separated by commas.</param>
    /// <param name="arithmetic">
    /// What products are computed in where no kernel is forced. Fast arithmetic allows kernels to round activations and demands it of none, so one in single
    /// precision may be forced beside it; single precision promises that none rounds.
    /// </param>
    /// <exception cref="UsageException">There is no such level or kernel, the processor lacks it, the arithmetic does not allow it, or an earlier one leaves it nothing to do.</exception>
    public KernelSelection(string? names, DecoderArithmetic arithmetic)
    {
        Arithmetic = arithmetic;
        foreach (string name in names?.Split(',', StringSplitOptions.TrimEntries) ?? [])
        {
            if (KernelList.All.SingleOrDefault(entry => entry.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is not { } kernel)
            {
                if (!InstructionSet.All.Any(set => set.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                    throw Unknown(name);
                if (Level is not null)
                    throw new UsageException($"Two kernel levels are named, '{Level.Name}' and '{name}'; there can be one, beside kernels ('decant list kernels').");
                Level = InstructionSet.Find(name);
                continue;
            }
            if (!kernel.Instructions.IsSupported)
            {
                throw new UsageException(
                    $"This processor lacks the instructions of kernel '{kernel.Name}'. It runs: {string.Join(", ", InstructionSet.All.Where(set => set.IsSupported))}.");
            }
            if (kernel.Arithmetic == DecoderArithmetic.Fast && arithmetic != DecoderArithmetic.Fast)
                throw Rounding(kernel);
            KernelEntry[] earlier = [.. forced.Where(entry => entry.Format == kernel.Format)];
            if (earlier.Aggregate(kernel.Shapes, (left, entry) => left & ~entry.Shapes) == 0)
            {
                throw new UsageException(
                    $"Kernel '{kernel.Name}' would never be used: {string.Join(" and ", earlier.Select(entry => $"'{entry.Name}'"))}, named before it, serves weights of that format. Name one of them.");
            }
            forced.Add(kernel);
            unused.Add(kernel);
        }
        Level ??= InstructionSet.Best;
    }

    /// <summary>The instruction set of everything that is not forced.</summary>
    public InstructionSet Level { get; }

    /// <summary>What products are computed in where no kernel is forced.</summary>
    public DecoderArithmetic Arithmetic { get; }

    /// <summary>The first forced kernel that no weight has asked for, or null.</summary>
    public string? Unused => unused.FirstOrDefault()?.Name;

    /// <summary>Throws if a forced kernel has nothing to do.</summary>
    /// <exception cref="UsageException">No weight has asked for it.</exception>
    public void RequireAllUsed(string location)
    {
        if (Unused is { } name)
            throw new UsageException($"No weight of {location} is stored in the format that kernel '{name}' reads.");
    }

    /// <summary>Names of the forced kernels, in the order given.</summary>
    public IReadOnlyList<string> Forced => [.. forced.Select(entry => entry.Name)];

    private static UsageException Rounding(KernelEntry entry) => new(
        $"Kernel '{entry.Name}' rounds activations to 8 bits, and this is to be computed in single precision. "
        + $"Allow it with --arithmetic fast, or force '{ProductKernel.NameOf(entry.Format, entry.Instructions, DecoderArithmetic.Float)}'.");

    private static UsageException Unknown(string name)
    {
        IEnumerable<string> levels = InstructionSet.All.Select(set => set.Name);
        string runs = string.Join(", ", InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name));
        return new UsageException(
            $"There is no kernel or kernel level '{name}'.{NearestName.Hint(name, levels.Concat(KernelList.All.Select(entry => entry.Name)))} "
            + $"Levels this processor runs: {runs}. 'decant list kernels' shows the kernels.");
    }

    /// <summary>The kernel for weights of a format.</summary>
    /// <param name="format">How they are stored.</param>
    /// <param name="shape">For how many tokens.</param>
    public ProductKernel Choose(TensorFormat format, ProductShapes shape)
    {
        foreach (KernelEntry entry in forced)
        {
            if (entry.Format != format.Name)
                continue;
            unused.Remove(entry);
            if (entry.Shapes.HasFlag(shape))
                return entry.Kernel;
        }
        return KernelList.Choose(format, Level, Arithmetic, shape);
    }
}
