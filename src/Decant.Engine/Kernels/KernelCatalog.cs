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

    private static string[] Formats(InstructionSet set, Func<KernelEntry, bool> isMeant) =>
        [.. KernelList.All.Where(kernel => kernel.Instructions == set && isMeant(kernel)).Select(kernel => kernel.Format).Distinct()];
}
