using System.Runtime.Intrinsics;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Bytes;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Tests.Kernels;

/// <summary>Parts of the products in whole numbers that <see cref="WeightKernelTests"/> does not see one by one.</summary>
public unsafe class ByteKernelTests
{
    /// <summary>
    /// The dot product of AVX-VNNI as its manual defines it, so that tiles written for it are tested on processors that lack it; only the one instruction
    /// is then left to trust.
    /// </summary>
    private readonly struct VnniByDefinition : IByteOps<Vector256<byte>>
    {
        public static int Rows => ByteOpsVnni.Rows;

        public static bool HasManyRegisters => ByteOpsVnni.HasManyRegisters;

        public static bool TakesSignedCodes => ByteOpsVnni.TakesSignedCodes;

        public static int LargestCode => ByteOpsVnni.LargestCode;

        public static Vector256<byte> Zero => ByteOpsVnni.Zero;

        public static Vector256<byte> Load(void* source) => ByteOpsVnni.Load(source);

        public static void Store(void* destination, Vector256<byte> value) => ByteOpsVnni.Store(destination, value);

        public static Vector256<byte> Bit(Vector256<byte> bytes, int from, int to) => ByteOpsVnni.Bit(bytes, from, to);

        public static Vector256<byte> BitsByColumn(Vector256<byte> words) => ByteOpsVnni.BitsByColumn(words);

        public static Vector256<byte> Broadcast(void* source) => ByteOpsVnni.Broadcast(source);

        public static Vector256<byte> Accumulate(Vector256<byte> sums, Vector256<byte> codes, Vector256<byte> activations)
        {
            Vector256<int> result = sums.AsInt32();
            for (int i = 0; i < 32; i++)
                result = result.WithElement(i / 4, result[i / 4] + codes[i] * activations.AsSByte()[i]);
            return result.AsByte();
        }

        public static Vector256<byte> ScaleSums(Vector256<byte> sums, Vector256<byte> scaleWords) => ByteOpsVnni.ScaleSums(sums, scaleWords);

        public static Vector256<byte> JoinSums(Vector256<byte> sums) => ByteOpsVnni.JoinSums(sums);

        public static Vector256<byte> MultiplyPairs(Vector256<byte> a, Vector256<byte> b) => ByteOpsVnni.MultiplyPairs(a, b);

        public static Vector256<byte> AddWords(Vector256<byte> a, Vector256<byte> b) => ByteOpsVnni.AddWords(a, b);

        public static Vector256<byte> AddScaled(Vector256<byte> sums, Vector256<byte> words, Vector256<byte> rowScales, float tokenScale) =>
            ByteOpsVnni.AddScaled(sums, words, rowScales, tokenScale);

        public static Vector256<byte> AddProducts(Vector256<byte> sums, Vector256<byte> factors, float factor) => ByteOpsVnni.AddProducts(sums, factors, factor);

        public static Vector256<byte> LoadHalves(void* source) => ByteOpsVnni.LoadHalves(source);

        public static Vector256<byte> ScaleByte(Vector256<byte> bytes, int index, Vector256<byte> scales) => ByteOpsVnni.ScaleByte(bytes, index, scales);

        public static Vector256<byte> ScaleWord(Vector256<byte> bytes, int index) => ByteOpsVnni.ScaleWord(bytes, index);

        public static Vector256<byte> PairWord(Vector256<byte> bytes, int first, int second) => ByteOpsVnni.PairWord(bytes, first, second);

        public static Vector256<int> ScaleWords(Vector256<int> scales) => ByteOpsVnni.ScaleWords(scales);

        public static Vector256<byte> Subtract(Vector256<byte> a, byte b) => ByteOpsVnni.Subtract(a, b);

        public static void LoadTransposed(byte* source, long stride, out FourVectors<Vector256<byte>> words) => ByteOpsVnni.LoadTransposed(source, stride, out words);

        public static Vector256<byte> Field(Vector256<byte> bytes, int shift, byte mask) => ByteOpsVnni.Field(bytes, shift, mask);

        public static Vector256<byte> LookUp(Vector256<byte> indices, Vector128<byte> table) => ByteOpsVnni.LookUp(indices, table);

        public static Vector256<byte> Join(Vector256<byte> a, Vector256<byte> b, int shift) => ByteOpsVnni.Join(a, b, shift);

        public static int StartWord(int firstPair, int secondPair) => ByteOpsVnni.StartWord(firstPair, secondPair);
    }

    [Fact]
    public void Tiles_of_the_dot_product_instruction_agree_with_the_list()
    {
        Assert.SkipUnless(InstructionSet.Avx2.IsSupported, "the other operations of these tiles are AVX2");
        Compare<ShortPanel, Q8_0Codes>();
        Compare<ShortPanel, Q4_0Codes>();
        Compare<ShortPanel, IQ4_NLCodes>();
        Compare<ShortOffsetPanel, Q5_1Codes>();
        Compare<Groups16MinimaPanel, Q2_KCodes>();
        Compare<Groups16Panel, Q6_KCodes>();
        Compare<Groups32MinimaPanel, Q4_KCodes>();
        Compare<Groups32Panel, IQ4_XSCodes>();
        Compare<LongPanel, TQ2_0Codes>();
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

    private static void Compare<TLayout, TBlock>()
        where TLayout : struct, IPanelLayout
        where TBlock : struct, ICodeBlock
    {
        const int Rows = 37, Tokens = 11;
        int columns = 3 * TBlock.BlockLength;
        long rowByteCount = 3L * TBlock.ByteCount;
        using var pool = new WorkerPool(1);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        byte[] weights = WeightKernelTests.Encoded(Decant.Core.Formats.TensorFormats.FindByName(TBlock.Format)!, Rows, columns, 9);
        float[] x = WeightKernelTests.Normal(Tokens * columns, 10);
        var expected = new float[Rows * Tokens];
        var actual = new float[Rows * Tokens];
        fixed (byte* w = weights)
        fixed (float* px = x, pe = expected, pa = actual)
        {
            input.Set(pool, px, Tokens, columns);
            // Row by row, which is another way to the same sums of whole numbers.
            ByteActivations bytes = input.Bytes(TBlock.BlockLength);
            ByteRows<PartOps256, TBlock>.Multiply(w, rowByteCount, Rows, bytes, Tokens, columns, pe, Rows);
            var kernel = new ByteKernel<PartOps256, Vector256<byte>, VnniByDefinition, TLayout, TBlock>(InstructionSet.Avx2);
            kernel.Prepare(input);
            kernel.Multiply(w, rowByteCount, Rows, input, pa, Rows, scratch);
        }
        double largest = expected.Max(Math.Abs);
        for (int i = 0; i < expected.Length; i++)
            Assert.InRange(actual[i] - expected[i], -2e-6 * largest, 2e-6 * largest);
    }
}
