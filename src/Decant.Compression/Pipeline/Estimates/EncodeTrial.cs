using System.Diagnostics;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels.Encoding;

namespace Decant.Compression.Pipeline.Estimates;

/// <summary>
/// Times the conversion of one chunk of made-up weights on all threads at once, for each pair of formats. A trial of work that is done in no time is
/// shorter than one of long work: it never takes more than a part of what it stands for.
/// </summary>
internal sealed class EncodeTrial(TrialClock clock, int threadCount, CancellationToken cancellationToken)
{
    /// <summary>Wall time of one trial; long enough for a few chunks of the slowest encoder.</summary>
    private static readonly TimeSpan duration = TimeSpan.FromMilliseconds(60);

    /// <summary>A trial converts at most this part of the elements that the job will: a small model is not kept waiting for its estimate.</summary>
    private const int LeastElementsPerTried = 4;

    private readonly Dictionary<Key, double> secondsPerElement = [];
    private readonly Dictionary<Key, long> expectedElements = [];

    private readonly record struct Key(TensorFormat Source, TensorFormat Target, long RowLength, bool HasImportance);

    /// <summary>Says that the job will convert a tensor; to be told of all before the first trial.</summary>
    public void Expect(TensorInfo source, TensorFormat target, bool hasImportance)
    {
        Key key = KeyOf(source, target, hasImportance);
        expectedElements[key] = expectedElements.GetValueOrDefault(key) + source.Shape.ElementCount;
    }

    /// <summary>Processor seconds per element of converting a tensor.</summary>
    public double SecondsPerElement(TensorInfo source, TensorFormat target, bool hasImportance)
    {
        Key key = KeyOf(source, target, hasImportance);
        if (!secondsPerElement.TryGetValue(key, out double seconds))
            secondsPerElement.Add(key, seconds = Run(key));
        return seconds;
    }

    private static Key KeyOf(TensorInfo source, TensorFormat target, bool hasImportance) =>
        new(source.Format, target, source.Shape.RowLength, hasImportance && target.UsesImportance);

    private double Run(Key key)
    {
        long enough = expectedElements.GetValueOrDefault(key) / LeastElementsPerTried;
        var shape = new TensorShape(RowChunk.RowsPerChunk(new TensorShape(1 << 20, key.RowLength)), key.RowLength);
        var conversion = new TensorConversion(MakeTensor(shape, key.Source), "trial", key.Target);
        float[] importance = key.HasImportance ? [.. Enumerable.Range(0, (int)key.RowLength).Select(k => 1f + k % 13)] : [];
        RowChunk chunk = RowChunk.Of(shape, 0, 0);
        // The first call compiles code and is not timed.
        new ChunkEncoder().Encode(conversion, chunk, importance);

        long elementCount = 0;
        double processorSeconds = clock.Run(() =>
        {
            long started = Stopwatch.GetTimestamp();
            ChunkLoop.Run(
                [.. Enumerable.Repeat(new TensorShape(1, 1), threadCount)], _ => false, threadCount,
                () =>
                {
                    var encoder = new ChunkEncoder();
                    return _ =>
                    {
                        bool isEnough;
                        do
                        {
                            encoder.Encode(conversion, chunk, importance);
                            isEnough = Interlocked.Add(ref elementCount, shape.ElementCount) >= enough;
                        }
                        while (!isEnough && Stopwatch.GetElapsedTime(started) < duration && !cancellationToken.IsCancellationRequested);
                    };
                },
                cancellationToken);
        });
        return processorSeconds / elementCount;
    }

    /// <summary>Sums of three uniform numbers, near enough to how weights lie; formats that cannot be written stand as zeros.</summary>
    private static MemoryTensor MakeTensor(TensorShape shape, TensorFormat format)
    {
        var info = new TensorInfo("trial", shape, format);
        byte[] bytes = new byte[info.ByteCount];
        if (format.CanEncode)
        {
            var random = new Random(1);
            float[] values = new float[shape.ElementCount];
            foreach (ref float value in values.AsSpan())
                value = (random.NextSingle() + random.NextSingle() + random.NextSingle() - 1.5f) * 0.04f;
            RowEncoder.For(format).EncodeRows(values, (int)shape.RowLength, default, bytes);
        }
        return new MemoryTensor(info, bytes);
    }
}
