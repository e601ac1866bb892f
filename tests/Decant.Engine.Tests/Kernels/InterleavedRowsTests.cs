using System.Runtime.CompilerServices;
using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Rows side by side give what rows one after another give: see <see cref="IInterleavedKernel"/>.</summary>
public unsafe class InterleavedRowsTests
{
    public static TheoryData<string> Names() => [.. Entries().Where(entry => entry.Shapes.HasFlag(ProductShapes.ManyTokens)).Select(entry => entry.Name)];

    // A theory without data fails.
    public static TheoryData<string> SplitNames() =>
        [.. Entries().Where(entry => !entry.Shapes.HasFlag(ProductShapes.ManyTokens)).Select(entry => entry.Name).DefaultIfEmpty("")];

    public static TheoryData<string> AllNames() => [.. Entries().Select(entry => entry.Name)];

    private static IEnumerable<KernelEntry> Entries() =>
        KernelList.All.Where(entry => entry.Instructions.IsSupported && entry.Kernel is IInterleavedKernel { GroupRowCount: > 0 });

    [Fact]
    public void Every_level_but_the_scalar_one_has_the_form_for_all_block_formats_and_halves()
    {
        foreach (InstructionSet level in InstructionSet.All.Where(set => set.IsSupported && set != InstructionSet.Scalar))
        {
            string[] formats = [.. KernelList.All.Where(entry => entry.Instructions == level && entry.Kernel is IInterleavedKernel { GroupRowCount: > 0 }).Select(entry => entry.Format).Order(StringComparer.Ordinal)];
            Assert.Equal(["F16", "IQ4_NL", "IQ4_XS", "MXFP4", "Q2_K", "Q3_K", "Q4_0", "Q4_1", "Q4_K", "Q5_0", "Q5_1", "Q5_K", "Q6_K", "Q8_0", "TQ1_0", "TQ2_0"], formats);
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void One_token_and_many_are_the_same_bits_as_tiles_of_stored_rows(string name)
    {
        (ProductKernel kernel, IInterleavedKernel side, TensorFormat format) = Find(name);
        // Whole panels of two groups, and one group more.
        int rows = 5 * side.GroupRowCount;
        using var pool = new WorkerPool(2);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        foreach (int blocks in new[] { 1, 3, 19 })
        {
            // Plain elements: whole pairs of vectors, as few as there can be, and so that some are left behind the last step of four vectors.
            int columns = blocks * (format.BlockLength > 1 ? format.BlockLength : 2 * kernel.Instructions.Arithmetic.Lanes);
            long rowByteCount = format.RowByteCount(columns);
            byte[] weights = WeightKernelTests.Encoded(format, rows, columns, 70 + blocks);
            float[] x = WeightKernelTests.Normal(13 * columns, 71);
            using var groups = new GuardedPages(weights.Length);
            byte* at = groups.Last(weights.Length);
            foreach (int tokens in new[] { 1, 2, 3, 4, 6, 7, 8, 9, 13 })
            {
                var expected = new float[rows * Math.Max(tokens, 4)];
                var actual = new float[rows * tokens];
                fixed (byte* w = weights)
                fixed (float* px = x, pe = expected, pa = actual)
                {
                    Assert.True(side.TryInterleave(w, rowByteCount, rows, at));
                    // At least as many tokens as tiles are for.
                    input.Set(pool, px, Math.Max(tokens, 4), columns);
                    kernel.Prepare(input);
                    kernel.Multiply(w, rowByteCount, rows, input, pe, rows, scratch);
                    input.Set(pool, px, tokens, columns);
                    side.PrepareInterleaved(input);
                    side.MultiplyInterleaved(at, rowByteCount, rows, input, pa, rows, scratch);
                }
                Assert.Contains(actual, value => value != 0);
                Assert.Equal(expected.AsSpan(0, actual.Length).ToArray(), actual);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Any_bytes_of_codes_and_scales_agree_with_stored_rows(string name)
    {
        (ProductKernel kernel, IInterleavedKernel side, TensorFormat format) = Find(name);
        const int Blocks = 2, Tokens = 7;
        int rows = 2 * side.GroupRowCount, columns = Blocks * Unit(format);
        int rowByteCount = (int)format.RowByteCount(columns);
        byte[] weights = new byte[rows * rowByteCount];
        new Random(5).NextBytes(weights);
        // Every code, scale and minimum may be anything; blocks whose half-precision numbers are not finite are left out, and elements in half precision of 64 and more.
        float limit = format.BlockLength == 1 ? 64 : 1e9f;
        float[] decoded = new float[format.BlockLength];
        for (int start = 0; start < weights.Length; start += format.BlockByteCount)
        {
            format.DecodeRow(weights.AsSpan(start, format.BlockByteCount), decoded);
            if (!decoded.All(value => Math.Abs(value) < limit))
                weights.AsSpan(start, format.BlockByteCount).Clear();
        }
        float[] x = WeightKernelTests.Normal(Tokens * columns, 6);
        var expected = new float[rows * Tokens];
        var actual = new float[rows * Tokens];
        byte[] groups = new byte[weights.Length];
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        fixed (byte* w = weights, g = groups)
        fixed (float* px = x, pe = expected, pa = actual)
        {
            Assert.True(side.TryInterleave(w, rowByteCount, rows, g));
            input.Set(pool, px, Tokens, columns);
            kernel.Prepare(input);
            kernel.Multiply(w, rowByteCount, rows, input, pe, rows, scratch);
            side.PrepareInterleaved(input);
            side.MultiplyInterleaved(g, rowByteCount, rows, input, pa, rows, scratch);
        }
        Assert.Equal(expected, actual);
    }

    [Theory]
    [MemberData(nameof(AllNames))]
    public void Rows_with_an_infinite_or_undefined_scale_are_refused(string name)
    {
        (_, IInterleavedKernel side, TensorFormat format) = Find(name);
        int columns = 2 * Unit(format), rows = side.GroupRowCount;
        int rowByteCount = (int)format.RowByteCount(columns);
        byte[] sound = WeightKernelTests.Encoded(format, rows, columns, 8);
        byte[] groups = new byte[sound.Length];
        int found = 0;
        // Infinity in half precision, and what is undefined there and too large for a scale of one byte.
        foreach (ushort bits in new ushort[] { 0x7c00, 0xffff })
        {
            for (int offset = 0; offset < format.BlockByteCount - 1; offset++)
            {
                // Wherever a scale lies, it shows in what the block decodes to.
                byte[] damaged = [.. sound];
                Span<byte> block = damaged.AsSpan((rows - 1) * rowByteCount + format.BlockByteCount, format.BlockByteCount);
                Unsafe.WriteUnaligned(ref block[offset], bits);
                float[] decoded = new float[format.BlockLength];
                format.DecodeRow(block, decoded);
                bool isFinite = decoded.All(float.IsFinite);
                fixed (byte* w = damaged, g = groups)
                    Assert.Equal(isFinite, side.TryInterleave(w, rowByteCount, rows, g));
                found += isFinite ? 0 : 1;
            }
        }
        Assert.True(found >= 1);
    }

    /// <summary>Codes too wide for the sums of an instruction set: few tokens by split activations, many in single precision or by pairs of 16 bits.</summary>
    [Theory]
    [MemberData(nameof(SplitNames))]
    public void Split_activations_and_pairs_agree_with_stored_rows_and_panels_are_the_same_bits(string name)
    {
        Assert.SkipWhen(name == "", "no instruction set of this processor has codes too wide for its sums");
        (ProductKernel kernel, IInterleavedKernel side, TensorFormat format) = Find(name);
        ProductKernel many = KernelList.Choose(format, kernel.Instructions, DecoderArithmetic.Float, ProductShapes.ManyTokens);
        Assert.True(side.ReplacesForMany(many));
        Assert.False(side.ReplacesForMany(kernel));
        // More than a tile of panels, and a panel that is not full.
        int rows = 13 * 16 + side.GroupRowCount;
        using var pool = new WorkerPool(2);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        foreach (int blocks in new[] { 1, 3, 19, 32 })
        {
            int columns = blocks * format.BlockLength;
            long rowByteCount = format.RowByteCount(columns);
            // Any bytes as codes, scales of ordinary size; some activations at the ends of what 8 bits hold.
            byte[] weights = WeightKernelTests.Encoded(format, rows, columns, 50 + blocks);
            var random = new Random(9);
            for (int i = 0; i < weights.Length; i++)
                weights[i] = i % format.BlockByteCount < 2 ? weights[i] : (byte)random.Next(256);
            int codeByteCount = format.BlockByteCount - 2;
            (byte largestCode, byte smallestCode) = format.Name == "Q8_0" ? ((byte)127, (byte)128) : ((byte)0xff, (byte)0);
            weights.AsSpan(2, codeByteCount).Fill(largestCode);
            weights.AsSpan((int)rowByteCount + 2, codeByteCount).Fill(smallestCode);
            float[] x = WeightKernelTests.Normal(35 * columns, 71);
            // The largest high parts, and the smallest low ones.
            x.AsSpan(0, 32).Fill(4);
            if (blocks > 1)
            {
                weights.AsSpan(format.BlockByteCount + 2, codeByteCount).Fill(largestCode);
                x.AsSpan(32, 32).Fill(8);
                x[32] = 127;
            }
            using var groups = new GuardedPages(weights.Length);
            byte* at = groups.Last(weights.Length);
            // Whether 10 to 32 are few depends on the number of registers.
            foreach ((int tokens, bool isFew) in new[] { (1, true), (2, true), (4, true), (7, true), (9, true), (33, false), (35, false) })
            {
                var expected = new float[rows * tokens];
                var actual = new float[rows * tokens];
                fixed (byte* w = weights)
                fixed (float* px = x, pe = expected, pa = actual)
                {
                    Assert.True(side.TryInterleave(w, rowByteCount, rows, at));
                    input.Set(pool, px, tokens, columns);
                    ProductKernel stored = isFew ? kernel : many;
                    stored.Prepare(input);
                    stored.Multiply(w, rowByteCount, rows, input, pe, rows, scratch);
                    side.PrepareInterleaved(input);
                    side.MultiplyInterleaved(at, rowByteCount, rows, input, pa, rows, scratch);
                }
                Assert.Contains(actual, value => value != 0);
                bool isRounded = !isFew && side.ActivationBits(tokens) == 16;
                double largest = expected.Max(Math.Abs);
                for (int i = 0; i < actual.Length; i++)
                {
                    double tolerance = isRounded ? HalfStep(format, weights, i % rows, x, i / rows, columns) + 1e-6 * largest : isFew ? 1e-6 * largest : 0;
                    Assert.InRange((double)actual[i] - expected[i], -tolerance, tolerance);
                }
            }
        }
    }

    // What rounding activations to 16 bits can change at most: half a step of their group's largest for each of a row's elements.
    private static double HalfStep(TensorFormat format, byte[] weights, int row, float[] x, int token, int columns)
    {
        int rowByteCount = (int)format.RowByteCount(columns);
        float[] decoded = new float[columns];
        format.DecodeRow(weights.AsSpan(row * rowByteCount, rowByteCount), decoded);
        double bound = 0;
        for (int group = 0; group < columns; group += 32)
        {
            double largest = x.AsSpan(token * columns + group, 32).ToArray().Max(Math.Abs);
            bound += largest / 32767 / 2 * decoded.AsSpan(group, 32).ToArray().Sum(Math.Abs);
        }
        return bound;
    }

    // Columns that rows are multiples of: a block, or pairs of vectors.
    private static int Unit(TensorFormat format) => Math.Max(format.BlockLength, 32);

    private static (ProductKernel Kernel, IInterleavedKernel Interleaving, TensorFormat Format) Find(string name)
    {
        ProductKernel kernel = KernelList.All.First(entry => entry.Name == name).Kernel;
        return (kernel, (IInterleavedKernel)kernel, TensorFormats.FindByName(kernel.Format)!);
    }
}
