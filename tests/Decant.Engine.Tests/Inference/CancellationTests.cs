using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

public unsafe class CancellationTests
{
    private const int Columns = 2048;
    private const int Tokens = 512;

    /// <summary>A matrix whose product stands for work of a slow machine: it counts rows, and cancels when some are done.</summary>
    private sealed class SlowMatrix(int rowCount, int rowsUntilCancelled, long longestUncheckedWork, CancellationTokenSource cancellation) : WeightMatrix
    {
        private int rowsDone;

        public int RowsDone => rowsDone;

        public int LongestRange { get; private set; }

        public override int RowCount => rowCount;

        public override int ColumnCount => Columns;

        public override long ByteCount => 0;

        public override string KernelName => "slow";

        public override long LongestUncheckedWork(int tokenCount) => longestUncheckedWork;

        public override void Multiply(int firstRow, int rows, ProductInput input, float* y, int yStride, Scratch scratch)
        {
            LongestRange = Math.Max(LongestRange, rows);
            if (Interlocked.Add(ref rowsDone, rows) >= rowsUntilCancelled)
                cancellation.Cancel();
        }

        public override void DecodeRow(int row, float* destination) => throw new NotSupportedException();
    }

    private sealed class CancelAtLayer(int layer, CancellationTokenSource cancellation) : IDecoderObserver
    {
        public bool IsArmed { get; set; }

        public int LaterProducts { get; private set; }

        public void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount)
        {
            if (IsArmed && index == layer)
                cancellation.Cancel();
        }

        public void LinearInput(TensorId weight, ReadOnlySpan<float> rows, int tokenCount)
        {
            if (cancellation.IsCancellationRequested)
                LaterProducts++;
        }
    }

    /// <summary>A tensor that cancels when it is read.</summary>
    private sealed class CancellingTensor(TensorData sound, CancellationTokenSource cancellation) : TensorData(sound.Info)
    {
        public bool WasRead { get; private set; }

        public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
        {
            WasRead = true;
            cancellation.Cancel();
            return sound.TryGetRows(firstRow, rowCount, out rows);
        }
    }

    [Theory]
    [InlineData(null, 0)]
    [InlineData(TensorRole.TokenEmbedding, 1)]
    public void A_load_that_is_cancelled_reads_no_further_tensor(TensorRole? cancelsAt, int expected)
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "llama"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        using var cancellation = new CancellationTokenSource();
        using var none = new CancellationTokenSource();
        Dictionary<TensorId, CancellingTensor> tensors = model.Tensors.ToDictionary(
            tensor => tensor.Key, tensor => new CancellingTensor(tensor.Value, tensor.Key.Role == cancelsAt ? cancellation : none));
        if (cancelsAt is null)
            cancellation.Cancel();
        var watched = new DecoderModel(source, model.ArchitectureName, model.Spec, tensors.ToDictionary(tensor => tensor.Key, tensor => (TensorData)tensor.Value));
        Assert.ThrowsAny<OperationCanceledException>(() => Decoder.Load(watched, cancellationToken: cancellation.Token));
        Assert.Equal(expected, tensors.Values.Count(tensor => tensor.WasRead));
    }

    [Theory]
    [InlineData(1, "avx2", 310_000_000)]
    [InlineData(2, "avx2", 310_000_000)]
    [InlineData(1, "scalar", 5_000_000)]
    [InlineData(2, "scalar", 5_000_000)]
    public void A_product_stops_between_ranges_of_rows(int threads, string level, long longestWork)
    {
        using var cancellation = new CancellationTokenSource();
        // The kernel decides, whatever the level of everything else: a scalar one may be forced for a single format.
        using var context = new ComputeContext(threads, InstructionSet.Best, null) { CancellationToken = cancellation.Token };
        long[] limits = [.. KernelList.All.Where(entry => entry.Instructions.Name == level).Select(entry => entry.Kernel.LongestUncheckedWork(Tokens)).Distinct()];
        long limit = Assert.Single(limits);
        using var input = new AlignedBuffer(Columns * Tokens * sizeof(float), "Input", "", clear: true);
        using var output = new AlignedBuffer(5632L * Tokens * sizeof(float), "Output", "");
        var matrix = new SlowMatrix(5632, rowsUntilCancelled: 600, limit, cancellation);
        using var group = new LinearGroup(new Linear(new TensorId(TensorRole.Gate, 0), matrix, null));
        Assert.Throws<OperationCanceledException>(() => group.Multiply(context, input.Floats, Tokens, (nint)output.Floats));
        // Each thread may have a range under way. The longest is 4 ms for a thread of 80 billion multiplications a second, 60 ms for one of 5; scalar ones do some hundred millions.
        Assert.InRange(matrix.RowsDone, 600, 600 + threads * matrix.LongestRange);
        Assert.InRange((long)matrix.LongestRange * Columns * Tokens, 1, longestWork);
    }

    [Fact]
    public void A_product_that_is_not_cancelled_does_all_rows_once()
    {
        using var cancellation = new CancellationTokenSource();
        using var context = new ComputeContext(2, InstructionSet.Best, null) { CancellationToken = cancellation.Token };
        using var input = new AlignedBuffer(Columns * Tokens * sizeof(float), "Input", "", clear: true);
        using var output = new AlignedBuffer(1000L * Tokens * sizeof(float), "Output", "");
        var matrix = new SlowMatrix(1000, int.MaxValue, 1L << 28, cancellation);
        using var group = new LinearGroup(new Linear(new TensorId(TensorRole.Gate, 0), matrix, null));
        group.Multiply(context, input.Floats, Tokens, (nint)output.Floats);
        Assert.Equal(1000, matrix.RowsDone);
    }

    [Fact]
    public void After_a_cancellation_no_product_begins_and_the_session_is_as_before()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        using var cancellation = new CancellationTokenSource();
        var observer = new CancelAtLayer(2, cancellation);
        using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { Observer = observer }, TestContext.Current.CancellationToken);
        using DecoderSession session = decoder.StartSession(64);
        int[] prompt = [.. Enumerable.Range(1, 40)];
        float[] expected = session.Append(prompt.AsSpan(0, 8), TestContext.Current.CancellationToken).ToArray();
        session.Reset();
        session.Append(prompt.AsSpan(0, 4), TestContext.Current.CancellationToken);
        observer.IsArmed = true;
        Assert.ThrowsAny<OperationCanceledException>(() => { session.Append(prompt.AsSpan(4), cancellation.Token); });
        Assert.Equal(0, observer.LaterProducts);
        Assert.Equal(4, session.Length);
        float[] continued = session.Append(prompt.AsSpan(4, 4), TestContext.Current.CancellationToken).ToArray();
        for (int i = 0; i < expected.Length; i++)
            Assert.Equal(expected[i], continued[i], 1e-4);
    }
}
