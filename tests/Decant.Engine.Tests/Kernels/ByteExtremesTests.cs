using Decant.Core.Formats;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

/// <summary>
/// The worst codes and activations that products in whole numbers can meet, where sums of 16 bits would be the first to overflow, and damaged numbers, which
/// must show where they are and nowhere else. As stored rows, as panels (from four tokens on) and side by side.
/// </summary>
public unsafe class ByteExtremesTests
{
    private const ushort One = 0x3c00, MinusOne = 0xbc00;

    // All bits clear and set, the ends of signed bytes, the ends of 4, 2 and 1 bits in either half.
    private static readonly byte[] patterns = [0x00, 0xff, 0x7f, 0x80, 0x88, 0x77, 0xaa, 0x55, 0xf0, 0x0f, 0xfe, 0x01, 0x3f, 0xc0];

    /// <summary>Where a block's half-precision numbers lie: the scale, and the offset or the factor of its minima.</summary>
    private static int[] Halves(string format) => format switch
    {
        "Q8_0" or "Q4_0" or "Q5_0" or "IQ4_NL" or "IQ4_XS" => [0],
        "Q4_1" or "Q5_1" or "Q4_K" or "Q5_K" => [0, 2],
        "Q2_K" => [80, 82],
        "Q3_K" => [108],
        "Q6_K" => [208],
        "TQ1_0" => [52],
        "TQ2_0" => [64],
        // A byte, of which every value is a power of two.
        "MXFP4" => [],
        _ => throw new ArgumentException(format, nameof(format)),
    };

    public static TheoryData<string> Names() => [.. ByteKernelsUnderTest.Names];

    [Theory]
    [MemberData(nameof(Names))]
    public void The_largest_sums_do_not_overflow(string name)
    {
        (ProductKernel kernel, TensorFormat format) = ByteKernelsUnderTest.Find(name);
        // Every pattern with a minimum of either sign, then bytes that are all or nothing, then any bytes; whole groups and panels of all widths and one panel that is not full.
        const int Rows = 48, Kinds = 8;
        foreach (int columns in new[] { format.BlockLength, 5 * 256 })
        {
            byte[] weights = WorstRows(format, Rows, columns);
            var decoded = new float[Rows * columns];
            format.DecodeRow(weights, decoded);
            float[] signs = Signs(decoded, Rows, columns, Kinds);
            var expected = new double[Kinds * Rows];
            var tolerance = new double[Rows];
            for (int row = 0; row < Rows; row++)
            {
                ReadOnlySpan<float> own = decoded.AsSpan(row * columns, columns);
                float largest = 0;
                foreach (float weight in own)
                    largest = Math.Max(largest, Math.Abs(weight));
                // What is cancelled by zeros and minima: at most 64 times the scale of 1. One sum of 16 bits gone wrong would be off by 65536 / 127.
                tolerance[row] = 2e-6 * (2 * largest + 64) * columns;
                Assert.True(tolerance[row] < 65536.0 / 127 / 2, $"{name}: a tolerance of {tolerance[row]}");
                for (int kind = 0; kind < Kinds; kind++)
                {
                    for (int column = 0; column < columns; column++)
                        expected[kind * Rows + row] += (double)own[column] * signs[kind * columns + column];
                }
            }
            foreach (int tokens in new[] { 1, 2, 3, 4, Kinds, 33 })
            {
                // The kinds in turn, each in every place of a tile.
                float[] x = new float[tokens * columns];
                for (int token = 0; token < tokens; token++)
                    signs.AsSpan((token + tokens) % Kinds * columns, columns).CopyTo(x.AsSpan(token * columns));
                foreach ((string form, float[] actual) in Products(kernel, format, weights, x, Rows, tokens, columns))
                {
                    Assert.NotEqual("refused", form);
                    for (int i = 0; i < actual.Length; i++)
                    {
                        double right = expected[(i / Rows + tokens) % Kinds * Rows + i % Rows];
                        if (!(Math.Abs(right - actual[i]) <= tolerance[i % Rows]))
                            Assert.Fail($"{name}, {form}, {columns} columns, {tokens} tokens: row {i % Rows}, token {i / Rows} is {actual[i]}, expected {right} within {tolerance[i % Rows]}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_damaged_scale_shows_in_its_row_and_in_no_other(string name)
    {
        (ProductKernel kernel, TensorFormat format) = ByteKernelsUnderTest.Find(name);
        const int Rows = 48, Damaged = 19;
        int columns = Math.Max(512, 2 * format.BlockLength), rowByteCount = (int)format.RowByteCount(columns);
        byte[] sound = WeightKernelTests.Encoded(format, Rows, columns, 4);
        foreach (int place in Halves(format.Name))
        {
            foreach (Half damage in new[] { Half.PositiveInfinity, Half.NegativeInfinity, Half.NaN })
            {
                byte[] weights = [.. sound];
                // The last block but one.
                BitConverter.TryWriteBytes(weights.AsSpan((Damaged + 1) * rowByteCount - 2 * format.BlockByteCount + place), damage);
                foreach (int tokens in new[] { 1, 3, 10 })
                {
                    float[] x = WeightKernelTests.Normal(tokens * columns, 5);
                    foreach ((string form, float[] actual) in Products(kernel, format, weights, x, Rows, tokens, columns))
                    {
                        // Rows side by side have no place for such a number: a matrix with one stays as it is stored.
                        Assert.NotEqual("side by side", form);
                        for (int i = 0; i < actual.Length; i++)
                        {
                            if (float.IsFinite(actual[i]) == (i % Rows == Damaged))
                                Assert.Fail($"{name}: {damage} at byte {place} of row {Damaged}, {tokens} tokens: row {i % Rows}, token {i / Rows} is {actual[i]}");
                        }
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_damaged_activation_shows_in_its_token_and_in_no_other(string name)
    {
        (ProductKernel kernel, TensorFormat format) = ByteKernelsUnderTest.Find(name);
        const int Rows = 48;
        int columns = Math.Max(512, 2 * format.BlockLength);
        byte[] weights = WeightKernelTests.Encoded(format, Rows, columns, 4);
        foreach (int tokens in new[] { 1, 3, 10 })
        {
            foreach (float damage in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
            {
                float[] x = WeightKernelTests.Normal(tokens * columns, 5);
                int damaged = tokens * 2 / 3;
                x[damaged * columns + columns - format.BlockLength - 7] = damage;
                foreach ((string form, float[] actual) in Products(kernel, format, weights, x, Rows, tokens, columns))
                {
                    Assert.NotEqual("refused", form);
                    for (int i = 0; i < actual.Length; i++)
                    {
                        if (float.IsFinite(actual[i]) == (i / Rows == damaged))
                            Assert.Fail($"{name}, {form}: {damage} in token {damaged} of {tokens}: row {i % Rows}, token {i / Rows} is {actual[i]}");
                    }
                }
            }
        }
    }

    /// <summary>Rows of codes at their ends with scales of 1 (so that group scales count as they are) and minima of 1, −1 and 0.</summary>
    private static byte[] WorstRows(TensorFormat format, int rows, int columns)
    {
        int rowByteCount = (int)format.RowByteCount(columns);
        byte[] bytes = new byte[rows * rowByteCount];
        int[] halves = Halves(format.Name);
        var random = new Random(3);
        for (int row = 0; row < rows; row++)
        {
            Span<byte> own = bytes.AsSpan(row * rowByteCount, rowByteCount);
            if (row < 3 * patterns.Length)
                own.Fill(patterns[row % patterns.Length]);
            else if (row % 2 == 0)
                random.NextBytes(own);
            else
                for (int i = 0; i < own.Length; i++)
                    own[i] = (byte)(random.Next(2) * 255);
            for (int block = 0; block < rowByteCount; block += format.BlockByteCount)
            {
                for (int half = 0; half < halves.Length; half++)
                    BitConverter.TryWriteBytes(own[(block + halves[half])..], half == 0 ? One : (row / patterns.Length) switch { 0 => One, 1 => MinusOne, _ => (ushort)0 });
                if (halves.Length == 0)
                    own[block] = 127;
            }
        }
        return bytes;
    }

    /// <summary>Tokens of 1 and −1, which are rounded to 127 and −127: of one sign, in turns, the signs of some rows' weights, any.</summary>
    private static float[] Signs(float[] weights, int rows, int columns, int kinds)
    {
        var x = new float[kinds * columns];
        var random = new Random(4);
        for (int kind = 0; kind < kinds; kind++)
        {
            for (int column = 0; column < columns; column++)
            {
                bool isPositive = kind switch
                {
                    0 => true,
                    1 => false,
                    2 => column % 2 == 0,
                    3 => column / 2 % 2 == 0,
                    4 => weights[(rows - 1) * columns + column] > 0,
                    5 => weights[(rows - 2) * columns + column] > 0,
                    6 => weights[(rows - 1) * columns + column] <= 0,
                    _ => random.Next(2) == 0,
                };
                x[kind * columns + column] = isPositive ? 1 : -1;
            }
        }
        return x;
    }

    /// <summary>The products in every form that the kernel has for these rows.</summary>
    private static List<(string Form, float[] Products)> Products(ProductKernel kernel, TensorFormat format, byte[] weights, float[] x, int rows, int tokens, int columns)
    {
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        long rowByteCount = format.RowByteCount(columns);
        var stored = new float[tokens * rows];
        var beside = new float[tokens * rows];
        fixed (byte* w = weights)
        fixed (float* px = x, ps = stored, pb = beside)
        {
            input.Set(pool, px, tokens, columns);
            kernel.Prepare(input);
            kernel.Multiply(w, rowByteCount, rows, input, ps, rows, scratch);
            if (kernel is not IInterleavedKernel { GroupRowCount: > 0 } side)
                return [("stored", stored)];
            Assert.Equal(0, rows % side.GroupRowCount);
            using var groups = new AlignedBuffer(weights.Length, "Rows side by side", "");
            if (!side.TryInterleave(w, rowByteCount, rows, groups.Pointer))
                return [("stored", stored), ("refused", [])];
            side.PrepareInterleaved(input);
            side.MultiplyInterleaved(groups.Pointer, rowByteCount, rows, input, pb, rows, scratch);
        }
        return [("stored", stored), ("side by side", beside)];
    }
}
