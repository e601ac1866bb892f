using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Parts of the products in whole numbers that <see cref="WeightKernelTests"/> does not see one by one.</summary>
public unsafe class ByteKernelTests
{
    private static IEnumerable<string> Defined => ByteKernelsUnderTest.Names.Where(name => name.StartsWith(ByteKernelsUnderTest.Defined, StringComparison.Ordinal));

    // A theory without data fails.
    public static TheoryData<string> DefinedNames() => [.. Defined.DefaultIfEmpty("")];

    [Fact]
    public void The_dot_product_by_definition_serves_every_format_of_the_list()
    {
        Assert.SkipUnless(InstructionSet.Avx2.IsSupported, "the other operations of these kernels are AVX2");
        string[] formats = [.. KernelList.All.Where(entry => entry.Instructions == InstructionSet.AvxVnni && entry.Arithmetic == DecoderArithmetic.Fast).Select(entry => entry.Format)];
        Assert.Equal(15, formats.Length);
        Assert.Equal(formats, Defined.Select(name => ByteKernelsUnderTest.Find(name).Kernel.Format));
        Assert.Equal(15, Defined.Count(name => ByteKernelsUnderTest.Find(name).Kernel is IInterleavedKernel { GroupRowCount: > 0 }));
    }

    /// <summary>Stored rows, panels and rows side by side against stored rows of AVX2 and one token at a time: other ways to the same sums of whole numbers.</summary>
    [Theory]
    [MemberData(nameof(DefinedNames))]
    public void Products_of_the_dot_product_instruction_agree_with_those_of_AVX2(string name)
    {
        const int Rows = 40, Tokens = 11;
        Assert.SkipWhen(name == "", "the other operations of these kernels are AVX2");
        (ProductKernel kernel, TensorFormat format) = ByteKernelsUnderTest.Find(name);
        ProductKernel other = KernelList.Choose(format, InstructionSet.Avx2, DecoderArithmetic.Fast, ProductShapes.FewTokens);
        Assert.Equal(format.BlockLength, other.RoundedBlockLength);
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        foreach (int blocks in new[] { 1, 3, 7 })
        {
            int columns = blocks * format.BlockLength;
            long rowByteCount = format.RowByteCount(columns);
            byte[] weights = WeightKernelTests.Encoded(format, Rows, columns, 9);
            byte[] groups = new byte[weights.Length];
            float[] x = WeightKernelTests.Normal(Tokens * columns, 10);
            var expected = new float[Rows * Tokens];
            fixed (byte* w = weights, g = groups)
            fixed (float* px = x, pe = expected)
            {
                for (int token = 0; token < Tokens; token++)
                {
                    input.Set(pool, px + token * columns, 1, columns);
                    other.Prepare(input);
                    other.Multiply(w, rowByteCount, Rows, input, pe + token * Rows, Rows, scratch);
                }
                var side = kernel as IInterleavedKernel;
                bool hasSide = side?.GroupRowCount > 0;
                Assert.True(!hasSide || side!.TryInterleave(w, rowByteCount, Rows, g));
                foreach (int tokens in new[] { 1, 2, 3, 4, 7, Tokens })
                {
                    var actual = new float[Rows * tokens];
                    fixed (float* pa = actual)
                    {
                        input.Set(pool, px, tokens, columns);
                        kernel.Prepare(input);
                        kernel.Multiply(w, rowByteCount, Rows, input, pa, Rows, scratch);
                        Closeness.Assert(expected.AsSpan(0, actual.Length), actual, 2e-6 * expected.Max(Math.Abs), $"{name}, {tokens} of [{Rows}, {columns}]");
                        if (!hasSide)
                            continue;
                        actual.AsSpan().Clear();
                        side!.PrepareInterleaved(input);
                        side.MultiplyInterleaved(g, rowByteCount, Rows, input, pa, Rows, scratch);
                        Closeness.Assert(expected.AsSpan(0, actual.Length), actual, 2e-6 * expected.Max(Math.Abs), $"{name} side by side, {tokens} of [{Rows}, {columns}]");
                    }
                }
            }
        }
    }

    [Theory]
    [InlineData(32)]
    [InlineData(256)]
    public void Activations_are_rounded_to_the_nearest_of_255_levels(int blockLength)
    {
        using var pool = new WorkerPool(2);
        using var bytes = new ByteActivations(blockLength);
        const int Tokens = 3, Columns = 512;
        float[] x = WeightKernelTests.Normal(Tokens * Columns, 4);
        x.AsSpan(blockLength, blockLength).Clear();
        x[2 * blockLength] = 1e30f;
        fixed (float* rows = x)
            bytes.Set(pool, rows, Tokens, Columns);
        for (int token = 0; token < Tokens; token++)
        {
            for (int block = 0; block < Columns / blockLength; block++)
            {
                Span<float> values = x.AsSpan(token * Columns + block * blockLength, blockLength);
                float scale = bytes.Scales(token)[block];
                float largest = 0;
                foreach (float value in values)
                    largest = Math.Max(largest, Math.Abs(value));
                Assert.Equal(largest / 127, scale);
                int sum = 0;
                for (int i = 0; i < blockLength; i++)
                {
                    int code = bytes.Codes(token)[block * blockLength + i];
                    sum += code;
                    Assert.InRange(code, -127, 127);
                    Assert.InRange(Math.Abs(values[i] - scale * code), 0, scale * 0.5001f);
                }
                if (blockLength == 32)
                    Assert.Equal(scale * sum, bytes.ScaledSums(token)[block]);
                else
                    Assert.Equal(sum, Enumerable.Range(0, 16).Sum(i => bytes.PartSums(token)[block * 16 + i]));
            }
        }
    }

    [Theory]
    [InlineData(float.NaN, true)]
    [InlineData(float.PositiveInfinity, true)]
    [InlineData(float.NegativeInfinity, true)]
    [InlineData(1e-39f, false)]
    public void An_undefined_activation_shows_and_a_tiny_one_is_zero(float value, bool shows)
    {
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        ProductKernel kernel = KernelList.All.First(k => k.Name.EndsWith("-q4_0-int8", StringComparison.Ordinal) && k.Instructions.IsSupported).Kernel;
        const int Columns = 96, Rows = 2;
        byte[] weights = new byte[Rows * Columns / 32 * 18];
        weights.AsSpan().Fill(0x11);
        foreach (int tokens in new[] { 1, 9 })
        {
            var x = new float[tokens * Columns];
            x[40] = value;
            var y = new float[tokens * Rows];
            fixed (byte* w = weights)
            fixed (float* px = x, py = y)
            {
                input.Set(pool, px, tokens, Columns);
                kernel.Prepare(input);
                kernel.Multiply(w, Columns / 32 * 18, Rows, input, py, Rows, scratch);
            }
            for (int i = 0; i < y.Length; i++)
            {
                if (shows && i < Rows)
                    Assert.True(float.IsNaN(y[i]));
                else
                    Assert.Equal(0, y[i]);
            }
        }
    }
}
