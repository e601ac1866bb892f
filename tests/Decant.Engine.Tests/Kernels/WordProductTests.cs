using System.Buffers.Binary;
using Decant.Core.Formats;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Codes of 8 bits times activations of 16: the vectors against the definition, bit for bit.</summary>
public unsafe class WordProductTests
{
    private const int Block = 32;

    private static readonly TensorFormat format = TensorFormats.FindByName("Q8_0")!;

    public static TheoryData<string> Names() =>
    [
        .. KernelList.All.Where(entry => entry.Instructions.IsSupported && entry.Format == "Q8_0" && entry.Kernel is IInterleavedKernel { GroupRowCount: > 0 } side && side.ActivationBits(100) == 16)
            .Select(entry => entry.Name).DefaultIfEmpty(""),
    ];

    [Theory]
    [MemberData(nameof(Names))]
    public void Products_are_those_of_the_definition(string name)
    {
        Assert.SkipWhen(name == "", "no kernel of this processor multiplies pairs of 16 bits");
        foreach ((int rows, int columns) in new[] { (8, 32), (16, 576), (24, 544), (56, 1056) })
        {
            byte[] weights = WeightKernelTests.Encoded(format, rows, columns, rows);
            // The largest codes of both signs.
            weights.AsSpan(2, Block).Fill(128);
            weights.AsSpan((int)format.RowByteCount(columns) + 2, Block).Fill(127);
            float[] x = WeightKernelTests.Normal(37 * columns, columns);
            x.AsSpan(0, Block).Fill(3);
            x.AsSpan(columns, Block).Fill(-3);
            // All zero, and so small that the reciprocal overflows.
            x.AsSpan(2 * columns, Block).Clear();
            x.AsSpan(3 * columns, Block).Fill(1e-37f);
            foreach (int tokens in new[] { 10, 11, 13, 16, 37 })
            {
                foreach (int threads in new[] { 1, 3 })
                    Assert.Equal(Definition(weights, rows, x, tokens, columns), Product(name, weights, rows, x, tokens, columns, threads));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_is_undefined_shows_in_its_token_alone(string name)
    {
        Assert.SkipWhen(name == "", "no kernel of this processor multiplies pairs of 16 bits");
        const int Rows = 16, Columns = 96, Tokens = 12;
        byte[] weights = WeightKernelTests.Encoded(format, Rows, Columns, 5);
        foreach (float value in new[] { float.NaN, float.PositiveInfinity, float.NegativeInfinity })
        {
            float[] x = WeightKernelTests.Normal(Tokens * Columns, 6);
            x[5 * Columns + 40] = value;
            float[] y = Product(name, weights, Rows, x, Tokens, Columns, 1);
            for (int i = 0; i < y.Length; i++)
                Assert.Equal(i / Rows == 5, float.IsNaN(y[i]));
        }
    }

    private static float[] Product(string name, byte[] weights, int rows, float[] x, int tokens, int columns, int threads)
    {
        var side = (IInterleavedKernel)KernelList.All.First(entry => entry.Name == name).Kernel;
        long rowByteCount = format.RowByteCount(columns);
        using var pool = new WorkerPool(threads);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        using var groups = new AlignedBuffer(weights.Length, "Rows side by side", "");
        var y = new float[tokens * rows];
        fixed (byte* w = weights)
        fixed (float* px = x, py = y)
        {
            Assert.True(side.TryInterleave(w, rowByteCount, rows, groups.Pointer));
            input.Set(pool, px, tokens, columns);
            side.PrepareInterleaved(input);
            side.MultiplyInterleaved(groups.Pointer, rowByteCount, rows, input, py, rows, scratch);
        }
        return y;
    }

    private static float[] Definition(byte[] weights, int rows, float[] x, int tokens, int columns)
    {
        var y = new float[tokens * rows];
        int blockByteCount = format.BlockByteCount;
        for (int token = 0; token < tokens; token++)
        {
            for (int block = 0; block < columns / Block; block++)
            {
                ReadOnlySpan<float> own = x.AsSpan(token * columns + block * Block, Block);
                float largest = 0;
                foreach (float value in own)
                    largest = MathF.Max(largest, MathF.Abs(value));
                float factor = 32767 / largest;
                for (int row = 0; row < rows; row++)
                {
                    ReadOnlySpan<byte> stored = weights.AsSpan((row * (columns / Block) + block) * blockByteCount, blockByteCount);
                    int sum = 0;
                    for (int i = 0; i < Block && float.IsFinite(factor); i++)
                        sum += (sbyte)stored[2 + i] * (int)MathF.Round(own[i] * factor);
                    float scale = float.IsFinite(factor) ? (float)BinaryPrimitives.ReadHalfLittleEndian(stored) * (largest / 32767) : 0;
                    y[token * rows + row] = MathF.FusedMultiplyAdd(sum, scale, y[token * rows + row]);
                }
            }
        }
        return y;
    }
}
