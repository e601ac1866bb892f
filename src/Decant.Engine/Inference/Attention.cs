using Decant.Core.Architectures;
using Decant.Engine.Kernels;
using Decant.Engine.Kernels.Arithmetic;

namespace Decant.Engine.Inference;

/// <summary>Attention of a call's queries over all cached keys and values of one layer.</summary>
internal static unsafe class Attention
{
    /// <summary>Computes the outputs of all heads.</summary>
    /// <param name="context">Threads and memory.</param>
    /// <param name="spec">The attention.</param>
    /// <param name="cache">Keys and values, those of this call included.</param>
    /// <param name="layer">The layer.</param>
    /// <param name="queries">[tokens, heads, head size], rotated.</param>
    /// <param name="firstPosition">The position of the first query.</param>
    /// <param name="tokenCount">Queries.</param>
    /// <param name="outputs">[tokens, heads, value size].</param>
    public static void Run(
        ComputeContext context, AttentionSpec spec, KvCache cache, int layer, float* queries, int firstPosition, int tokenCount, float* outputs)
    {
        int threads = context.Pool.ThreadCount;
        context.Pool.Run(threads, new Work(context, spec, cache, layer, (nint)queries, firstPosition, tokenCount, (nint)outputs, threads));
    }

    private readonly struct Work(
        ComputeContext context, AttentionSpec spec, KvCache cache, int layer, nint queries, int firstPosition, int tokenCount, nint outputs, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int rows = tokenCount * spec.HeadCount;
            int end = WorkerPool.Boundary(rows, 1, part + 1, parts);
            for (int row = WorkerPool.Boundary(rows, 1, part, parts); row < end; row++)
            {
                int token = row / spec.HeadCount;
                int head = row % spec.HeadCount;
                float* query = (float*)queries + (long)row * spec.HeadSize;
                float* output = (float*)outputs + (long)row * spec.ValueSize;
                Attend(query, head / (spec.HeadCount / spec.KeyValueHeadCount), firstPosition + token, output, context.Scratch[part]);
            }
        }

        private void Attend(float* query, int keyHead, int position, float* output, Scratch scratch)
        {
            FloatArithmetic arithmetic = context.Arithmetic;
            int first = spec.Window is { } window ? Math.Max(0, position - window + 1) : 0;
            int count = position + 1 - first;
            float* scores = scratch.Floats(count + Math.Max(spec.HeadSize, spec.ValueSize));
            float* row = scores + count;
            byte* keys = cache.Keys(layer, keyHead);
            byte* values = cache.Values(layer, keyHead);
            for (int i = 0; i < count; i++)
                scores[i] = arithmetic.Dot(query, Row(keys, first + i, spec.HeadSize, row), spec.HeadSize) * spec.Scale;
            if (spec.SoftCap is { } cap)
                arithmetic.SoftCap(scores, cap, count);
            float sum = arithmetic.ExponentialSum(scores, arithmetic.Largest(scores, count), count);
            new Span<float>(output, spec.ValueSize).Clear();
            for (int i = 0; i < count; i++)
                arithmetic.AddScaled(output, Row(values, first + i, spec.ValueSize, row), scores[i], spec.ValueSize);
            arithmetic.Scale(output, 1 / sum, spec.ValueSize);
        }

        private float* Row(byte* rows, int index, int length, float* decoded)
        {
            byte* row = rows + cache.RowByteCount(length) * index;
            if (cache.Format == KvFormat.F32)
                return (float*)row;
            for (int i = 0; i < length; i++)
                decoded[i] = (float)((Half*)row)[i];
            return decoded;
        }
    }
}
