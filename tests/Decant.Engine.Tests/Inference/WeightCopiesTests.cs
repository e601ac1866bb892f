using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Engine.Tests.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

public unsafe class WeightCopiesTests
{
    private static readonly DecoderOptions copied = new() { Arithmetic = DecoderArithmetic.Fast, Weights = WeightPlacement.Copied };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The formats whose rows lie side by side in a copy, and those that are copied as they are.</summary>
    internal static IEnumerable<string> CopiedFormats =>
        KernelList.All.Where(entry => entry.Arithmetic == DecoderArithmetic.Fast).Select(entry => entry.Format).Distinct().Concat(["F16", "BF16", "F32"]);

    public static TheoryData<string, bool> Formats()
    {
        var data = new TheoryData<string, bool>();
        foreach (string format in CopiedFormats)
        {
            data.Add(format, false);
            data.Add(format, true);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void A_copied_matrix_multiplies_and_decodes_as_the_stored_one(string name, bool hasInfiniteScale)
    {
        // Rows of whole groups, a piece of work and a half, and some that fill no group; one scale that cannot be brought side by side.
        const int Rows = 2000 + 7, Columns = 1024;
        TensorFormat format = TensorFormats.FindByName(name)!;
        int rowByteCount = (int)format.RowByteCount(Columns);
        // 61 different rows, again and again.
        byte[] some = WeightKernelTests.Encoded(format, 61, Columns, 3);
        byte[] bytes = new byte[Rows * rowByteCount];
        for (int i = 0; i < bytes.Length; i++)
            bytes[i] = some[i % some.Length];
        const int Damaged = 1234;
        if (hasInfiniteScale)
        {
            float[] decoded = new float[Columns];
            for (int offset = 0; offset < format.BlockByteCount && decoded.All(float.IsFinite); offset++)
            {
                bytes.AsSpan(17 * rowByteCount, rowByteCount).CopyTo(bytes.AsSpan(Damaged * rowByteCount));
                bytes[Damaged * rowByteCount + offset] = 0xff;
                if (offset + 1 < format.BlockByteCount)
                    bytes[Damaged * rowByteCount + offset + 1] = 0x7f;
                format.DecodeRow(bytes.AsSpan(Damaged * rowByteCount, rowByteCount), decoded);
            }
        }
        var tensor = new MemoryTensor(new TensorInfo("weight", new TensorShape(Rows, Columns), format), bytes);
        var kernels = new KernelSelection(null, DecoderArithmetic.Fast);
        using var stored = new StoredMatrix(tensor, kernels);
        using var matrix = new StoredMatrix(tensor, kernels);
        using var pool = new WorkerPool(2);
        using WeightCopies? copies = WeightCopies.Create([matrix], copied, pool, Cancellation);
        Assert.NotNull(copies);
        Assert.True(copies.ByteCount >= tensor.Info.ByteCount);
        using var scratch = new Scratch();
        using var input = new ProductInput();
        foreach (int tokens in new[] { 1, 2, 5, 40 })
        {
            float[] x = WeightKernelTests.Normal(tokens * Columns, 4 + tokens);
            float[] expected = Product(stored, x, tokens), actual = Product(matrix, x, tokens);
            // Activations of 16 bits: half a step is 1 / 65,534 of their group's largest.
            double tolerance = expected.Where(float.IsFinite).Max(Math.Abs) * (matrix.ActivationBits(tokens) == 16 ? 4e-5 : 3e-6);
            for (int i = 0; i < expected.Length; i++)
            {
                if (float.IsFinite(expected[i]))
                    Assert.InRange(actual[i] - expected[i], -tolerance, tolerance);
                else
                    Assert.False(float.IsFinite(actual[i]));
            }
        }
        float[] row = new float[Columns], same = new float[Columns];
        foreach (int index in new[] { 0, 15, 1999, Rows - 1 })
        {
            fixed (float* r = row, s = same)
            {
                stored.DecodeRow(index, r);
                matrix.DecodeRow(index, s);
            }
            Assert.Equal(row, same);
        }

        float[] Product(StoredMatrix from, float[] x, int tokens)
        {
            var y = new float[tokens * Rows];
            fixed (float* px = x, py = y)
            {
                input.Set(pool, px, tokens, Columns);
                from.Prepare(input);
                int unit = from.RowUnit(tokens);
                // In ranges that threads might get.
                int middle = Rows / 3 / unit * unit;
                from.Multiply(0, middle, input, py, Rows, scratch);
                from.Multiply(middle, Rows - middle, input, py + middle, Rows, scratch);
            }
            return y;
        }
    }

    [Theory]
    [InlineData(DecoderArithmetic.Fast)]
    [InlineData(DecoderArithmetic.Float)]
    public void A_model_in_single_precision_gives_the_same_bits_from_a_copy(DecoderArithmetic arithmetic)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        using Decoder mapped = Decoder.Load(model, new DecoderOptions { Arithmetic = arithmetic }, Cancellation);
        using Decoder copy = Decoder.Load(model, copied with { Arithmetic = arithmetic }, Cancellation);
        Assert.Equal(0, mapped.CopiedWeightByteCount);
        Assert.True(copy.CopiedWeightByteCount > 0);
        using DecoderSession first = mapped.StartSession(64), second = copy.StartSession(64);
        int[] ids = [1, 403, 407, 261, 378, 311, 1, 20, 13];
        Assert.Equal(first.Append(ids, Cancellation).ToArray(), second.Append(ids, Cancellation).ToArray());
        Assert.Equal(first.Append([7], Cancellation).ToArray(), second.Append([7], Cancellation).ToArray());
    }

    [Fact]
    public void Automatic_leaves_weights_in_the_map_for_single_precision_and_copies_for_fast_arithmetic()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        using Decoder exact = Decoder.Load(model, new DecoderOptions { Weights = WeightPlacement.Automatic }, Cancellation);
        using Decoder fast = Decoder.Load(model, new DecoderOptions { Weights = WeightPlacement.Automatic, Arithmetic = DecoderArithmetic.Fast }, Cancellation);
        Assert.Equal(0, exact.CopiedWeightByteCount);
        Assert.True(fast.CopiedWeightByteCount > 0);
    }

    [Fact]
    public void Cancelling_while_copying_stops_loading()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        Assert.ThrowsAny<OperationCanceledException>(() => Decoder.Load(model, copied, new CancellationToken(true)));
    }
}
