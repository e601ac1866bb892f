using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Engine.Tests.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

public unsafe class LinearGroupTests
{
    private static readonly DecoderOptions copied = new() { Arithmetic = DecoderArithmetic.Fast, Weights = WeightPlacement.Copied };

    [Fact]
    public void Ranges_between_two_looks_at_the_token_are_whole_groups_of_rows()
    {
        long[] works = [1, 1 << 22, 1 << 28, long.MaxValue];
        foreach (long work in works)
        {
            foreach (long rowWork in new[] { 1L, 576, 5632, 1536 * 512, 5632 * 512, 16384 * 2048, 1L << 40 })
            {
                foreach (int unit in new[] { 1, 4, 8, 16, 24, 32, 64 })
                {
                    int rows = LinearGroup.RangeRowCount(work, rowWork, unit);
                    Assert.True(rows > 0 && rows % unit == 0);
                    // No more than what is rounded up to.
                    Assert.True(rows - Math.Max(96, unit) < work / rowWork);
                }
            }
        }
    }

    public static TheoryData<string> Formats() => [.. WeightCopiesTests.CopiedFormats];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Rows_so_long_that_few_may_go_without_a_look_are_multiplied_side_by_side_too(string name)
    {
        // The feed-forward width of a 1.1B model and a prompt of 512 tokens: 93 rows are 2^28 multiplications, and 93 is no whole number of groups.
        const int Rows = 128 + 5, Columns = 5632, Tokens = 512;
        TensorFormat format = TensorFormats.FindByName(name)!;
        var tensor = new MemoryTensor(new TensorInfo("weight", new TensorShape(Rows, Columns), format), WeightKernelTests.Encoded(format, Rows, Columns, 5));
        var kernels = new KernelSelection(null, DecoderArithmetic.Fast);
        using var context = new ComputeContext(2, InstructionSet.Best, null);
        using var matrix = new StoredMatrix(tensor, kernels);
        using WeightCopies copies = WeightCopies.Create([matrix], copied, context.Pool, TestContext.Current.CancellationToken)!;
        using var stored = new LinearGroup(new Linear(default, new StoredMatrix(tensor, kernels), null));
        using var sideBySide = new LinearGroup(new Linear(default, matrix, null));
        float[] x = WeightKernelTests.Normal(Tokens * Columns, 6);
        float[] expected = new float[Tokens * Rows], actual = new float[Tokens * Rows];
        fixed (float* px = x, e = expected, a = actual)
        {
            stored.Multiply(context, px, Tokens, (nint)e);
            sideBySide.Multiply(context, px, Tokens, (nint)a);
        }
        double largest = expected.Max(Math.Abs);
        Assert.True(largest > 0);
        // Activations of 16 bits: half a step is 1 / 65,534 of their group's largest.
        double tolerance = largest * (matrix.ActivationBits(Tokens) == 16 ? 4e-5 : 3e-6);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i] - expected[i], -tolerance, tolerance);
    }
}
