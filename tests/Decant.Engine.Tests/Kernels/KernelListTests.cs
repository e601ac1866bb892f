using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

/// <summary>The list of kernels and what a forced name chooses from it.</summary>
public class KernelListTests
{
    private const ProductShapes AllShapes = ProductShapes.FewTokens | ProductShapes.ManyTokens;

    [Fact]
    public void No_two_kernels_have_one_name()
    {
        Assert.True(KernelList.All.Count > 4 * TensorFormats.All.Count);
        Assert.Empty(KernelList.All.GroupBy(entry => entry.Name, StringComparer.OrdinalIgnoreCase).Where(group => group.Count() > 1).Select(group => group.Key));
        foreach (KernelEntry entry in KernelList.All)
            Assert.Equal(entry.Name, entry.Kernel.Name);
    }

    /// <summary>A processor with both is rare; its list is made here too, though only the processor itself could run it.</summary>
    [Fact]
    public void With_AVX512_and_AVX_VNNI_each_format_has_one_kernel_for_any_number_of_tokens()
    {
        KernelEntry[] both = KernelList.OnBytes512(hasDotProduct: true);
        KernelEntry[] wide = KernelList.OnBytes512(hasDotProduct: false);
        Assert.Equal(15, both.Length);
        Assert.Equal(wide.Select(entry => entry.Name), both.Select(entry => entry.Name));
        Assert.All(both, entry => Assert.Equal(AllShapes, entry.Shapes));
        Assert.Equal(["IQ4_NL", "IQ4_XS", "Q8_0"], wide.Where(entry => entry.Shapes != AllShapes).Select(entry => entry.Format).Order(StringComparer.Ordinal));
        foreach (KernelEntry entry in both)
        {
            Assert.Equal(entry.Name, entry.Kernel.Name);
            // Otherwise rows would never be brought side by side.
            Assert.True(((IInterleavedKernel)entry.Kernel).ReplacesForMany(entry.Kernel));
        }
        Assert.Equal(15, both.Count(entry => entry.Kernel is IInterleavedKernel { GroupRowCount: > 0 }));
    }

    [Fact]
    public void A_forced_name_chooses_the_one_kernel_of_that_name()
    {
        int count = 0;
        foreach (KernelEntry entry in KernelList.All.Where(entry => entry.Instructions.IsSupported))
        {
            var kernels = new KernelSelection($"scalar,{entry.Name.ToUpperInvariant()}", DecoderArithmetic.Fast);
            TensorFormat format = TensorFormats.FindByName(entry.Format)!;
            foreach (ProductShapes shape in new[] { ProductShapes.FewTokens, ProductShapes.ManyTokens })
            {
                ProductKernel chosen = kernels.Choose(format, shape);
                if (entry.Shapes.HasFlag(shape))
                    Assert.Same(entry.Kernel, chosen);
                else
                    Assert.Equal(InstructionSet.Scalar, chosen.Instructions);
            }
            Assert.Null(kernels.Unused);
            TensorFormat other = entry.Format == "F32" ? TensorFormats.F16 : TensorFormats.F32;
            Assert.Equal(InstructionSet.Scalar, kernels.Choose(other, ProductShapes.FewTokens).Instructions);
            count++;
        }
        Assert.True(count > TensorFormats.All.Count);
    }

    [Fact]
    public void At_the_scalar_level_fast_arithmetic_is_single_precision()
    {
        Assert.DoesNotContain(KernelList.All, entry => entry.Instructions == InstructionSet.Scalar && entry.Arithmetic == DecoderArithmetic.Fast);
        var kernels = new KernelSelection("scalar", DecoderArithmetic.Fast);
        Assert.All(TensorFormats.All, format => Assert.Equal(0, kernels.Choose(format, ProductShapes.ManyTokens).RoundedBlockLength));
    }

    [Fact]
    public void A_kernel_of_another_format_stays_unused_and_two_levels_are_refused()
    {
        var kernels = new KernelSelection("scalar,vector128-q4_0", DecoderArithmetic.Float);
        _ = kernels.Choose(TensorFormats.Q8_0, ProductShapes.FewTokens);
        Assert.Equal("vector128-q4_0", kernels.Unused);
        Assert.Contains("Two kernel levels", Assert.Throws<UsageException>(() => new KernelSelection("scalar,vector128", DecoderArithmetic.Float)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_two_forced_kernels_of_one_format_the_second_must_have_something_left_to_serve()
    {
        foreach (string second in new[] { "scalar-q4_0", "vector128-q4_0", "VECTOR128-Q4_0-INT8" })
        {
            string message = Assert.Throws<UsageException>(() => new KernelSelection($"vector128-q4_0,{second}", DecoderArithmetic.Fast)).Message;
            Assert.Contains($"'{second.ToLowerInvariant()}' would never be used: 'vector128-q4_0'", message, StringComparison.Ordinal);
        }
        Assert.SkipUnless(InstructionSet.Avx2.IsSupported, "needs a kernel for few tokens only");
        var kernels = new KernelSelection("avx2-q8_0-int8,scalar-q8_0", DecoderArithmetic.Fast);
        Assert.Equal("avx2-q8_0-int8", kernels.Choose(TensorFormats.Q8_0, ProductShapes.FewTokens).Name);
        Assert.Equal("scalar-q8_0", kernels.Choose(TensorFormats.Q8_0, ProductShapes.ManyTokens).Name);
        Assert.Throws<UsageException>(() => new KernelSelection("scalar-q8_0,avx2-q8_0-int8", DecoderArithmetic.Fast));
    }
}
