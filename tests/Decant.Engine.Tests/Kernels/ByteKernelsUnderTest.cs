using System.Runtime.Intrinsics;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Every kernel that multiplies in whole numbers and that this processor can run: the list's, and those of the dot product by definition.</summary>
internal static class ByteKernelsUnderTest
{
    /// <summary>How kernels of the dot product by definition are called.</summary>
    public const string Defined = "defined-";

    private static readonly Lazy<IReadOnlyDictionary<string, ProductKernel>> all = new(() =>
    {
        Dictionary<string, ProductKernel> kernels = KernelList.All
            .Where(entry => entry.Arithmetic == DecoderArithmetic.Fast && entry.Instructions.IsSupported)
            .ToDictionary(entry => entry.Name, entry => entry.Kernel);
        // The other operations of these kernels are AVX2.
        if (InstructionSet.Avx2.IsSupported)
        {
            foreach (KernelEntry entry in KernelList.OnBytes<DotProductByDefinition.Parts, Vector256<byte>, DotProductByDefinition.Bytes>(InstructionSet.Avx2))
                kernels.Add(Defined + entry.Format, entry.Kernel);
        }
        return kernels;
    });

    public static IEnumerable<string> Names => all.Value.Keys;

    public static (ProductKernel Kernel, TensorFormat Format) Find(string name) => (all.Value[name], TensorFormats.FindByName(all.Value[name].Format)!);
}
