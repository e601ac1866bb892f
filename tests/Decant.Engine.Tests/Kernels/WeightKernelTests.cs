using Decant.Core.Formats;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Every kernel of the list against the format's definition and the scalar twin.</summary>
public unsafe class WeightKernelTests
{
    /// <summary>Kernels that this processor can run. Formats without an encoder are fed random bytes.</summary>
    public static TheoryData<string> Names() => NamesOf(_ => true);

    /// <summary>Those that decode rows.</summary>
    public static TheoryData<string> DecodingNames() => NamesOf(kernel => kernel is WeightKernel);

    /// <summary>Those of formats that can hold infinity and NaN in every element.</summary>
    public static TheoryData<string> FloatNames() => NamesOf(kernel => kernel.Format is "F16" or "BF16" or "F32" or "F64");

    [Fact]
    public void The_list_holds_a_kernel_for_every_format_at_every_level()
    {
        foreach (InstructionSet set in InstructionSet.All)
        {
            foreach (TensorFormat format in TensorFormats.All)
            {
                Assert.Equal(format.Name, KernelList.Choose(format, set).Format);
                foreach (DecoderArithmetic arithmetic in Enum.GetValues<DecoderArithmetic>())
                {
                    foreach (ProductShapes shape in Enum.GetValues<ProductShapes>())
                        Assert.Equal(format.Name, KernelList.Choose(format, set, arithmetic, shape).Format);
                }
            }
        }
        Assert.True(KernelList.All.Count > 4 * TensorFormats.All.Count);
    }

    [Theory]
    [MemberData(nameof(DecodingNames))]
    public void Decoding_is_bit_equal_to_the_format(string name)
    {
        WeightKernel kernel = Assert.IsType<WeightKernel>(Find(name), exactMatch: false);
        TensorFormat format = TensorFormats.FindByName(kernel.Format)!;
        for (int blocks = 1; blocks <= 37; blocks += 3)
        {
            byte[] bytes = RandomBytes(format, blocks, blocks);
            var expected = new float[blocks * format.BlockLength];
            format.DecodeRow(bytes, expected);
            var actual = new float[expected.Length];
            fixed (byte* source = bytes)
            fixed (float* target = actual)
                kernel.Decode(source, target, actual.Length);
            for (int i = 0; i < expected.Length; i++)
            {
                if (float.IsNaN(expected[i]) ? !float.IsNaN(actual[i]) : BitConverter.SingleToInt32Bits(expected[i]) != BitConverter.SingleToInt32Bits(actual[i]))
                    Assert.Fail($"{name}: element {i} of {expected.Length} is {actual[i]:G9}, expected {expected[i]:G9}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Products_agree_with_the_scalar_twin(string name)
    {
        ProductKernel kernel = Find(name);
        TensorFormat format = TensorFormats.FindByName(kernel.Format)!;
        var twin = new ScalarKernel(format);
        using var pool = new WorkerPool(2);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        int unit = format.BlockLength;
        // 1,024 columns: rows of tokens that begin at the same place of a page. 200 rows: more than a tile, and panels narrower than the registers allow.
        foreach (int columns in new[] { unit * 3, unit == 1 ? 301 : 608 / unit * unit, 1024 })
        {
            foreach ((int rows, int tokens) in new[] { (7, 1), (5, 3), (13, 6), (98, 17), (6, 67), (7, 130), (200, 11) })
            {
                byte[] bytes = Encoded(format, rows, columns, rows * 1000 + tokens);
                float[] x = Normal(tokens * columns, 77 + tokens);
                var expected = new float[tokens * rows];
                var actual = new float[tokens * rows];
                long rowBytes = format.RowByteCount(columns);
                fixed (byte* weights = bytes)
                fixed (float* px = x, pe = expected, pa = actual)
                {
                    if (kernel.RoundedBlockLength is > 0 and int blockLength)
                        Round(x, blockLength);
                    input.Set(pool, px, tokens, columns);
                    twin.Multiply(weights, rowBytes, rows, input, pe, rows, scratch);
                    input.Set(pool, px, tokens, columns);
                    kernel.Prepare(input);
                    kernel.Multiply(weights, rowBytes, rows, input, pa, rows, scratch);
                    AssertProducts(name, bytes, format, x, expected, actual, rows, tokens, columns);
                }
            }
        }
    }

    /// <summary>In fast arithmetic plain formats take up to 16 tokens row by row, each with the same bytes in any company.</summary>
    [Theory]
    [InlineData("F32")]
    [InlineData("F16")]
    [InlineData("BF16")]
    public void Plain_rows_multiply_tokens_in_company_as_alone(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        const int Rows = 5;
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        foreach (KernelEntry entry in KernelList.All.Where(entry => entry.Format == name && entry.IsForOneFormat && entry.Instructions.IsSupported && entry.Kernel is VectorKernel))
        {
            Assert.Same(entry.Kernel, entry.Kernel.ForArithmetic(DecoderArithmetic.Float));
            ProductKernel kernel = entry.Kernel.ForArithmetic(DecoderArithmetic.Fast);
            Assert.Equal(16, kernel.MostFewTokens);
            foreach (int columns in new[] { 64, 330 })
            {
                int rowByteCount = (int)format.RowByteCount(columns);
                byte[] weights = Encoded(format, Rows, columns, 5);
                float[] x = Normal(17 * columns, 6);
                fixed (byte* w = weights)
                fixed (float* px = x)
                {
                    foreach (int tokens in new[] { 2, 3, 4, 7, 16 })
                    {
                        float[] together = new float[Rows * tokens], alone = new float[Rows];
                        fixed (float* py = together, pa = alone)
                        {
                            input.Set(pool, px, tokens, columns);
                            kernel.Prepare(input);
                            kernel.Multiply(w, rowByteCount, Rows, input, py, Rows, scratch);
                            for (int token = 0; token < tokens; token++)
                            {
                                input.Set(pool, px + token * columns, 1, columns);
                                kernel.Prepare(input);
                                kernel.Multiply(w, rowByteCount, Rows, input, pa, Rows, scratch);
                                Assert.Equal(alone, together.AsSpan(token * Rows, Rows).ToArray());
                            }
                        }
                    }
                }
            }
        }
    }

    /// <summary>The kernel for half precision with many denormal numbers is taken for such rows only, and computes the same bytes.</summary>
    [Fact]
    public void Rows_with_denormals_get_the_kernel_that_is_quicker_for_them_and_the_same_products()
    {
        const int Rows = 40, Columns = 320, Tokens = 3;
        var half = new ushort[Rows * Columns];
        float[] values = Normal(half.Length, 3);
        for (int i = 0; i < half.Length; i++)
            half[i] = BitConverter.HalfToUInt16Bits((Half)values[i]);
        float[] x = Normal(Tokens * Columns, 4);
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        foreach (KernelEntry entry in KernelList.All.Where(entry => entry is { Format: "F16", IsForOneFormat: true } && entry.Instructions.IsSupported))
        {
            fixed (ushort* weights = half)
                Assert.Same(entry.Kernel, entry.Kernel.ForRows((byte*)weights, 2 * Columns, Rows, Columns));
            var mixed = (ushort[])half.Clone();
            for (int i = 0; i < mixed.Length; i += 29)
                mixed[i] = (ushort)((mixed[i] & 0x8000) | (i % 1024));
            var expected = new float[Tokens * Rows];
            var actual = new float[Tokens * Rows];
            fixed (ushort* weights = mixed)
            fixed (float* px = x, pe = expected, pa = actual)
            {
                ProductKernel other = entry.Kernel.ForRows((byte*)weights, 2 * Columns, Rows, Columns);
                Assert.NotSame(entry.Kernel, other);
                Assert.Equal(entry.Kernel.Name, other.Name);
                input.Set(pool, px, Tokens, Columns);
                other.Prepare(input);
                other.Multiply((byte*)weights, 2 * Columns, Rows, input, pa, Rows, scratch);
                entry.Kernel.Multiply((byte*)weights, 2 * Columns, Rows, input, pe, Rows, scratch);
            }
            Assert.Equal(expected, actual);
        }
    }

    /// <summary>
    /// What batches of several texts rest on: within the numbers of tokens for which a kernel takes one way, a token's products are the same bytes whichever
    /// tokens are beside it, and wherever it stands among them.
    /// </summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void A_tokens_products_do_not_depend_on_the_tokens_beside_it(string name)
    {
        ProductKernel kernel = Find(name);
        TensorFormat format = TensorFormats.FindByName(kernel.Format)!;
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        const int Rows = 7, Most = 70;
        int columns = format.BlockLength == 1 ? 301 : 608 / format.BlockLength * format.BlockLength;
        byte[] bytes = Encoded(format, Rows, columns, 5);
        float[] x = Normal(Most * columns, 6);
        var known = new Dictionary<(int, int Token), float[]>();
        foreach ((int first, int count) in new[] { (0, 1), (0, 2), (1, 3), (0, 4), (2, 5), (3, 6), (1, 8), (0, 9), (7, 13), (9, 16), (5, 17), (3, 33), (0, Most) })
        {
            var y = new float[count * Rows];
            fixed (byte* weights = bytes)
            fixed (float* px = x, py = y)
            {
                input.Set(pool, px + first * columns, count, columns);
                kernel.Prepare(input);
                kernel.Multiply(weights, format.RowByteCount(columns), Rows, input, py, Rows, scratch);
            }
            for (int token = 0; token < count; token++)
            {
                float[] products = y[(token * Rows)..((token + 1) * Rows)];
                var key = (kernel.RowUnit(count), first + token);
                if (!known.TryAdd(key, products) && !products.AsSpan().SequenceEqual(known[key]))
                    Assert.Fail($"{name}: token {first + token}, one of {count}, has other products than before.");
            }
        }
        // Every kernel takes one way for few and for many, or two.
        Assert.InRange(known.Keys.Select(key => key with { Token = 0 }).Distinct().Count(), 1, 2);
    }

    /// <summary>A damaged weight must show in the result, whatever short cut a kernel takes.</summary>
    [Theory]
    [MemberData(nameof(FloatNames))]
    public void Infinity_and_NaN_in_a_row_reach_the_result(string name)
    {
        ProductKernel kernel = Find(name);
        TensorFormat format = TensorFormats.FindByName(kernel.Format)!;
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        const int Columns = 301, Rows = 2;
        foreach (float damage in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            foreach (int place in new[] { 0, 100, 255, 290, 300 })
            {
                float[] values = new float[Columns * Rows];
                values.AsSpan().Fill(1);
                byte[] bytes = new byte[format.RowByteCount(Columns) * Rows];
                for (int row = 0; row < Rows; row++)
                    format.EncodeRow(values.AsSpan(row * Columns, Columns), [], bytes.AsSpan(row * bytes.Length / Rows, bytes.Length / Rows));
                byte[] one = kernel.Format switch
                {
                    "F16" => BitConverter.GetBytes((Half)damage),
                    "F32" => BitConverter.GetBytes(damage),
                    "F64" => BitConverter.GetBytes((double)damage),
                    _ => BitConverter.GetBytes(damage)[2..],
                };
                one.CopyTo(bytes, place * one.Length);
                foreach (int tokens in new[] { 1, 8 })
                {
                    var x = new float[tokens * Columns];
                    x.AsSpan().Fill(1);
                    var y = new float[tokens * Rows];
                    fixed (byte* weights = bytes)
                    fixed (float* px = x, py = y)
                    {
                        input.Set(pool, px, tokens, Columns);
                        kernel.Prepare(input);
                        kernel.Multiply(weights, format.RowByteCount(Columns), Rows, input, py, Rows, scratch);
                    }
                    for (int token = 0; token < tokens; token++)
                    {
                        Assert.Equal(damage, y[token * Rows]);
                        Assert.Equal(Columns, y[token * Rows + 1]);
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void No_kernel_reads_outside_its_rows(string name)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "guard pages are made with Linux's mmap");
        ProductKernel kernel = Find(name);
        TensorFormat format = TensorFormats.FindByName(kernel.Format)!;
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        foreach (int columns in format.BlockLength == 1 ? new[] { 1, 5, 31, 67 } : [format.BlockLength, 3 * format.BlockLength])
        {
            const int Rows = 35;
            int byteCount = (int)format.RowByteCount(columns) * Rows;
            using var pages = new GuardedPages(byteCount);
            foreach (bool atEnd in new[] { true, false })
            {
                byte* rows = atEnd ? pages.Last(byteCount) : pages.First;
                new Span<byte>(rows, byteCount).Clear();
                using var targetPages = new GuardedPages(columns * sizeof(float));
                float* target = (float*)(atEnd ? targetPages.Last(columns * sizeof(float)) : targetPages.First);
                (kernel as WeightKernel)?.Decode(rows + format.RowByteCount(columns) * (Rows - 1), target, columns);
                foreach (int tokens in new[] { 1, 3, 9 })
                {
                    int inputByteCount = tokens * columns * sizeof(float), outputByteCount = tokens * Rows * sizeof(float);
                    using var inputPages = new GuardedPages(inputByteCount);
                    using var outputPages = new GuardedPages(outputByteCount);
                    float* x = (float*)(atEnd ? inputPages.Last(inputByteCount) : inputPages.First);
                    float* y = (float*)(atEnd ? outputPages.Last(outputByteCount) : outputPages.First);
                    new Span<float>(x, tokens * columns).Fill(1);
                    input.Set(pool, x, tokens, columns);
                    kernel.Prepare(input);
                    kernel.Multiply(rows, format.RowByteCount(columns), Rows, input, y, Rows, scratch);
                }
            }
        }
    }

    /// <summary>An error of a sum of n single-precision products is bounded by a few roundings of the sum of their magnitudes.</summary>
    private static void AssertProducts(
        string name, byte[] bytes, TensorFormat format, float[] x, float[] expected, float[] actual, int rows, int tokens, int columns)
    {
        var weights = new float[rows * columns];
        format.DecodeRow(bytes, weights);
        for (int token = 0; token < tokens; token++)
        {
            for (int row = 0; row < rows; row++)
            {
                double magnitude = 0;
                for (int column = 0; column < columns; column++)
                    magnitude += Math.Abs((double)weights[row * columns + column] * x[token * columns + column]);
                double error = Math.Abs((double)expected[token * rows + row] - actual[token * rows + row]);
                // Offsets cancel against codes, so their products' magnitude is larger than what is seen here.
                if (!(error <= 2e-6 * magnitude + 1e-30))
                    Assert.Fail($"{name}: [{rows}, {columns}] x {tokens}: row {row}, token {token}: {actual[token * rows + row]}, expected {expected[token * rows + row]}, magnitude {magnitude}");
            }
        }
    }

    /// <summary>Replaces activations by what 8 bits hold of them; rounded again they give the same codes.</summary>
    private static void Round(float[] x, int blockLength)
    {
        for (int start = 0; start < x.Length; start += blockLength)
        {
            Span<float> block = x.AsSpan(start, blockLength);
            float largest = 0;
            foreach (float value in block)
                largest = Math.Max(largest, Math.Abs(value));
            float scale = largest / 127;
            for (int i = 0; i < blockLength; i++)
                block[i] = scale * MathF.Round(block[i] * (127 / largest));
        }
    }

    private static TheoryData<string> NamesOf(Func<ProductKernel, bool> isOfKind) =>
        [.. KernelList.All.Where(entry => entry.Instructions.IsSupported && isOfKind(entry.Kernel)).Select(entry => entry.Name).Distinct()];

    private static ProductKernel Find(string name) => KernelList.All.First(entry => entry.Name == name).Kernel;

    private static byte[] RandomBytes(TensorFormat format, int blocks, int seed)
    {
        var bytes = new byte[blocks * format.BlockByteCount];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    internal static byte[] Encoded(TensorFormat format, int rows, int columns, int seed)
    {
        int rowBytes = (int)format.RowByteCount(columns);
        var bytes = new byte[rows * rowBytes];
        if (!format.CanEncode || format.Name is "F8_E4M3" or "F8_E5M2" || format.BlockLength == 1 && format.Name is not ("F32" or "F16" or "BF16" or "F64"))
        {
            new Random(seed).NextBytes(bytes);
            if (format.BlockLength == 1)
                bytes.AsSpan().Fill(1);
            return Finite(format, bytes, columns);
        }
        float[] values = Normal(rows * columns, seed);
        for (int row = 0; row < rows; row++)
            format.EncodeRow(values.AsSpan(row * columns, columns), [], bytes.AsSpan(row * rowBytes, rowBytes));
        return bytes;
    }

    /// <summary>Random bytes are scales too: blocks that decode to anything huge or not finite are cleared.</summary>
    private static byte[] Finite(TensorFormat format, byte[] bytes, int columns)
    {
        var values = new float[format.BlockLength];
        for (int start = 0; start < bytes.Length; start += format.BlockByteCount)
        {
            Span<byte> block = bytes.AsSpan(start, format.BlockByteCount);
            format.DecodeRow(block, values);
            if (values.Any(v => !(Math.Abs(v) < 1e6)))
                block.Clear();
        }
        return bytes;
    }

    internal static float[] Normal(int count, int seed)
    {
        var random = new Random(seed);
        var values = new float[count];
        for (int i = 0; i < count; i++)
            values[i] = (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));
        return values;
    }
}
