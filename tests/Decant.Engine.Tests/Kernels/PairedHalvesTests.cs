using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Private copies of half precision hold the stored numbers exactly: see <see cref="PairedHalves"/>.</summary>
public unsafe class PairedHalvesTests
{
    private const int Columns = 64;

    public static TheoryData<string> Names() =>
        [.. KernelList.All.Where(entry => entry.Instructions.IsSupported && entry.Format == "F16" && entry.Kernel is IInterleavedKernel { GroupRowCount: > 0 }).Select(entry => entry.Name).DefaultIfEmpty("")];

    /// <summary>Each finite number below 64 is what comes out if all other columns are multiplied by nothing, of a few tokens and of many.</summary>
    [Theory]
    [MemberData(nameof(Names))]
    public void Every_number_below_64_keeps_its_value(string name)
    {
        Assert.SkipWhen(name == "", "this build has no vectors");
        ushort[] halves = [.. Enumerable.Range(0, 1 << 16).Select(bits => (ushort)bits).Where(bits => Math.Abs((float)BitConverter.UInt16BitsToHalf(bits)) < 64)];
        Assert.Equal(2 * 21 * 1024, halves.Length);
        ProductKernel kernel = KernelList.All.First(entry => entry.Name == name).Kernel;
        var side = (IInterleavedKernel)kernel;
        int rows = halves.Length / Columns;
        long rowByteCount = Columns * sizeof(ushort);
        using var pool = new WorkerPool(2);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        using var copy = new AlignedBuffer(rows * rowByteCount, "Halves", "");
        // Token t reads column t.
        float[] x = new float[Columns * Columns];
        for (int token = 0; token < Columns; token++)
            x[token * Columns + token] = 1;
        float[] y = new float[rows * Columns];
        fixed (ushort* w = halves)
        fixed (float* px = x, py = y)
        {
            Assert.True(side.TryInterleave((byte*)w, rowByteCount, rows, copy.Pointer));
            foreach (int tokens in new[] { 1, 2, 4, Columns })
            {
                for (int first = 0; first < Columns; first += tokens)
                {
                    input.Set(pool, px + first * Columns, tokens, Columns);
                    side.PrepareInterleaved(input);
                    side.MultiplyInterleaved(copy.Pointer, rowByteCount, rows, input, py, rows, scratch);
                    for (int i = 0; i < tokens * rows; i++)
                    {
                        float expected = (float)BitConverter.UInt16BitsToHalf(halves[i % rows * Columns + first + i / rows]);
                        Assert.True(expected == y[i], $"{tokens} tokens: {expected:R} became {y[i]:R}");
                    }
                }
            }
        }
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Larger_numbers_and_rows_without_whole_pairs_of_vectors_stay_as_they_are(string name)
    {
        Assert.SkipWhen(name == "", "this build has no vectors");
        var side = (IInterleavedKernel)KernelList.All.First(entry => entry.Name == name).Kernel;
        ushort* halves = stackalloc ushort[Columns];
        byte* target = stackalloc byte[Columns * sizeof(ushort)];
        for (int place = 0; place < Columns; place++)
        {
            foreach ((Half value, bool fits) in new[]
            {
                ((Half)63.97f, true), ((Half)(-63.97f), true), ((Half)64, false), ((Half)(-64), false), (Half.MaxValue, false),
                (Half.PositiveInfinity, false), (Half.NegativeInfinity, false), (Half.NaN, false), (-Half.NaN, false),
            })
            {
                new Span<ushort>(halves, Columns).Clear();
                halves[place] = BitConverter.HalfToUInt16Bits(value);
                Assert.Equal(fits, side.TryInterleave((byte*)halves, Columns * sizeof(ushort), 1, target));
            }
        }
        new Span<ushort>(halves, Columns).Clear();
        foreach (int columns in new[] { 1, 7, 12, 63 })
            Assert.False(side.TryInterleave((byte*)halves, columns * sizeof(ushort), 1, target));
    }
}
