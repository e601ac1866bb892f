using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels.Encoding;

namespace Decant.Engine.Kernels;

/// <summary>What may be said about the kernels of one instruction set outside the engine.</summary>
/// <param name="Level">The instruction set, as <c>--kernel</c> takes it.</param>
/// <param name="IsSupported">True if this processor and this build can run it.</param>
/// <param name="IntegerFormats">Formats multiplied in whole numbers, activations rounded to 8 bits: kernels <c>LEVEL-FORMAT-int8</c>.</param>
/// <param name="FewTokenFormats">Those of them that are multiplied so for few tokens only, and in single precision for many.</param>
/// <param name="ProductFormats">
/// Formats with a kernel of their own in single precision: kernels <c>LEVEL-FORMAT</c>. Every other format's rows are decoded first and then multiplied.
/// </param>
/// <param name="EncoderFormats">Formats with an encoder of this level; the others are encoded by the scalar definition.</param>
public sealed record KernelDescription(
    string Level,
    bool IsSupported,
    IReadOnlyList<string> IntegerFormats,
    IReadOnlyList<string> FewTokenFormats,
    IReadOnlyList<string> ProductFormats,
    IReadOnlyList<string> EncoderFormats);

/// <summary>The kernels of this build, for lists and reports.</summary>
public static class KernelCatalog
{
    /// <summary>One description per instruction set, best first.</summary>
    public static IReadOnlyList<KernelDescription> All { get; } =
    [
        .. InstructionSet.All.Select(set => new KernelDescription(
            set.Name,
            set.IsSupported,
            Formats(set, kernel => kernel.Arithmetic == DecoderArithmetic.Fast),
            [.. Formats(set, kernel => kernel.Arithmetic == DecoderArithmetic.Fast).Except(
                Formats(set, kernel => kernel.Arithmetic == DecoderArithmetic.Fast && kernel.Shapes.HasFlag(ProductShapes.ManyTokens)))],
            Formats(set, kernel => kernel.Arithmetic == DecoderArithmetic.Float && kernel.IsForOneFormat),
            [.. RowEncoders.All.Where(encoder => encoder.Instructions == set).Select(encoder => encoder.Format.Name)])),
    ];

    /// <summary>Names of the levels that this processor and this build can run, best first.</summary>
    public static IReadOnlyList<string> SupportedLevels { get; } = [.. InstructionSet.All.Where(set => set.IsSupported).Select(set => set.Name)];

    /// <summary>Every product kernel, in the order of the list: of several that would do the first is taken. Each is created when it is asked for.</summary>
    public static IEnumerable<ProductKernelDescription> Products => KernelList.All.Select(Describe);

    /// <summary>Those of them that this processor chooses for weights of some format, unless told otherwise.</summary>
    public static IEnumerable<ProductKernelDescription> Chosen =>
        KernelList.All.Where(entry => entry.Instructions == InstructionSet.Best).Select(Describe).Where(kernel => kernel.ChosenFor.Count > 0);

    private static readonly (string Name, ProductShapes Shape)[] shapes = [("few", ProductShapes.FewTokens), ("many", ProductShapes.ManyTokens)];

    private static ProductKernelDescription Describe(KernelEntry entry)
    {
        ProductKernel kernel = entry.Kernel;
        IInterleavedKernel? copying = kernel is IInterleavedKernel { GroupRowCount: > 0 } interleaved ? interleaved : null;
        bool hasPanels = entry.Shapes.HasFlag(ProductShapes.ManyTokens) && kernel.RowUnit(int.MaxValue) > 1;
        return new ProductKernelDescription(
            entry.Name, entry.Instructions.Name, entry.Instructions.IsSupported, entry.Format, entry.Arithmetic,
            [.. shapes.Where(shape => entry.Shapes.HasFlag(shape.Shape)).Select(shape => shape.Name)],
            [entry.IsForOneFormat ? "rows" : "decoded rows", .. copying is null ? Array.Empty<string>() : [copying.CopyForm], .. hasPanels ? ["panels"] : Array.Empty<string>()],
            copying?.GroupRowCount > 1 ? copying.GroupRowCount : null,
            [.. ChosenFor(entry)]);
    }

    private static IEnumerable<string> ChosenFor(KernelEntry entry)
    {
        if (entry.Instructions != InstructionSet.Best)
            yield break;
        TensorFormat format = TensorFormats.FindByName(entry.Format)!;
        foreach (DecoderArithmetic arithmetic in (DecoderArithmetic[])[DecoderArithmetic.Fast, DecoderArithmetic.Float])
        {
            foreach ((string name, ProductShapes shape) in shapes)
            {
                if (KernelList.Choose(format, InstructionSet.Best, arithmetic, shape) == entry.Kernel)
                    yield return (arithmetic == DecoderArithmetic.Fast ? "fast " : "float ") + name;
            }
        }
    }

    private static string[] Formats(InstructionSet set, Func<KernelEntry, bool> isMeant) =>
        [.. KernelList.All.Where(kernel => kernel.Instructions == set && isMeant(kernel)).Select(kernel => kernel.Format).Distinct()];
}
