using Decant.Core.Architectures;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Reversible;

/// <summary>The attention of a block over a whole text: orders positions, attends chunk by chunk, joins the rounds.</summary>
/// <param name="context">Threads and instructions.</param>
/// <param name="model">The model as data.</param>
/// <param name="rotations">Random rotations.</param>
internal sealed unsafe class ReversibleAttention(ComputeContext context, ReformerSpec model, IHashRotations rotations) : IDisposable
{
    // ε of the lengths that hashed keys are divided by; the reference fixes it.
    private const float LengthEpsilon = 1e-6f;

    private AlignedBuffer? keyBuffer;
    private AlignedBuffer? resultBuffer;
    private AlignedBuffer? weightBuffer;

    /// <summary>Computes a block's attention.</summary>
    /// <param name="spec">Its attention.</param>
    /// <param name="hashedIndex">Its number among those with hashed attention.</param>
    /// <param name="queries">[positions, heads · head size]; keys too where attention is hashed.</param>
    /// <param name="keys">[positions, heads · head size]; scaled in place; null where queries are keys.</param>
    /// <param name="values">[positions, heads · head size].</param>
    /// <param name="length">Positions, with padding.</param>
    /// <param name="tokenCount">Positions without padding.</param>
    /// <param name="output">[positions, heads · head size].</param>
    public void Run(ChunkedAttentionSpec spec, int hashedIndex, float* queries, float* keys, float* values, int length, int tokenCount, float* output)
    {
        int width = spec.HeadCount * spec.HeadSize;
        var hashed = spec as HashedAttentionSpec;
        bool whole = length <= spec.ChunkLength;
        int rounds = whole ? 1 : hashed?.HashCount ?? 1;
        int total = checked(rounds * length);
        keys = ScaleKeys(spec, queries, keys, (long)length * spec.HeadCount);
        int[][] orders = hashed is null || whole ? [Enumerable.Range(0, total).ToArray()] : Sort(hashed, hashedIndex, queries, length, tokenCount, rounds);
        var attention = new ChunkedAttention
        {
            Stride = width,
            HeadSize = spec.HeadSize,
            Length = length,
            TokenCount = tokenCount,
            Causal = model.Causal,
            AvoidsSelf = hashed is not null,
            ChunkLength = whole ? length : spec.ChunkLength,
            Before = whole ? 0 : spec.ChunksBefore,
            After = whole ? 0 : spec.ChunksAfter,
        };
        float* results = rounds == 1 ? output : (float*)AlignedBuffer.Reserve(ref resultBuffer, (long)total * width * sizeof(float));
        float* weights = (float*)AlignedBuffer.Reserve(ref weightBuffer, (long)total * spec.HeadCount * sizeof(float));
        int chunks = total / attention.ChunkLength;
        context.Pool.Run(spec.HeadCount * chunks, new Work(context, attention, orders, chunks, (nint)queries, (nint)keys, (nint)values, (nint)results, (nint)weights));
        if (rounds > 1)
            Join(spec, rounds, length, results, weights, output);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        keyBuffer?.Dispose();
        resultBuffer?.Dispose();
        weightBuffer?.Dispose();
    }

    private float* ScaleKeys(ChunkedAttentionSpec spec, float* queries, float* keys, long headRows)
    {
        int size = spec.HeadSize;
        float scale = 1 / MathF.Sqrt(size);
        if (keys != null)
        {
            context.Arithmetic.Scale(keys, scale, checked((int)(headRows * size)));
            return keys;
        }
        float* copies = (float*)AlignedBuffer.Reserve(ref keyBuffer, headRows * size * sizeof(float));
        for (long row = 0; row < headRows; row++)
        {
            float* query = queries + row * size, key = copies + row * size;
            float mean = context.Arithmetic.Dot(query, query, size) / size;
            new ReadOnlySpan<float>(query, size).CopyTo(new Span<float>(key, size));
            context.Arithmetic.Scale(key, scale / MathF.Sqrt(mean + LengthEpsilon), size);
        }
        return copies;
    }

    private int[][] Sort(HashedAttentionSpec spec, int hashedIndex, float* vectors, int length, int tokenCount, int rounds)
    {
        (int First, int Second) counts = HashBuckets.CountsOf(spec, length, model.ContextLength);
        int coordinates = HashBuckets.CoordinateCount(counts);
        float[] drawn = new float[HashBuckets.RotationLength(spec, coordinates)];
        rotations.Draw(hashedIndex, spec, coordinates, drawn);
        int perHead = drawn.Length / spec.HeadCount;
        int[][] orders = new int[spec.HeadCount][];
        for (int head = 0; head < spec.HeadCount; head++)
        {
            orders[head] = new int[rounds * length];
            HashBuckets.Sort(
                vectors + (long)head * spec.HeadSize, (long)spec.HeadCount * spec.HeadSize, spec.HeadSize, length, tokenCount, drawn.AsSpan(head * perHead, perHead), rounds, counts,
                orders[head]);
        }
        return orders;
    }

    /// <summary>The mean of the rounds' results, each weighted by its sum of exponentials.</summary>
    private void Join(ChunkedAttentionSpec spec, int rounds, int length, float* results, float* weights, float* output)
    {
        int total = rounds * length;
        float* shares = stackalloc float[Math.Min(rounds, 64)];
        float[]? many = rounds > 64 ? new float[rounds] : null;
        fixed (float* pinned = many)
        {
            if (many is not null)
                shares = pinned;
            for (int head = 0; head < spec.HeadCount; head++)
            {
                for (int position = 0; position < length; position++)
                {
                    for (int round = 0; round < rounds; round++)
                        shares[round] = weights[(long)head * total + round * length + position];
                    float largest = context.Arithmetic.Largest(shares, rounds);
                    float logarithm = largest + MathF.Log(context.Arithmetic.ExponentialSum(shares, largest, rounds));
                    float factor = MathF.Exp(largest - logarithm);
                    float* row = output + ((long)position * spec.HeadCount + head) * spec.HeadSize;
                    new Span<float>(row, spec.HeadSize).Clear();
                    for (int round = 0; round < rounds; round++)
                    {
                        float* result = results + ((long)(round * length + position) * spec.HeadCount + head) * spec.HeadSize;
                        context.Arithmetic.AddScaled(row, result, shares[round] * factor, spec.HeadSize);
                    }
                }
            }
        }
    }

    private readonly struct Work(
        ComputeContext context, ChunkedAttention attention, int[][] orders, int chunks, nint queries, nint keys, nint values, nint results, nint weights) : IParallelWork
    {
        public void Run(int part)
        {
            (int head, int chunk) = Math.DivRem(part, chunks);
            int[] order = orders.Length == 1 ? orders[0] : orders[head];
            int offset = head * attention.HeadSize;
            if (context.CancellationToken.IsCancellationRequested)
                return;
            attention.Attend(
                context, chunk, order, (float*)queries + offset, (float*)keys + offset, (float*)values + offset, context.ThreadScratch.Floats(attention.ScoreCount),
                (float*)results + offset, (float*)weights + (long)head * order.Length);
        }
    }
}
