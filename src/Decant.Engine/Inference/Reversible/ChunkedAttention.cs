using Decant.Core.Architectures;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference.Reversible;

/// <summary>
/// Attention of one head between neighbouring chunks of positions in a given order. What is masked keeps a finite score, as in the reference, so that a position
/// that sees nothing else sees itself.
/// </summary>
internal sealed unsafe class ChunkedAttention
{
    private const float MaskedScore = -1e9f;
    private const float SelfScore = -1e5f;

    /// <summary>Elements between positions of queries, keys, values and results.</summary>
    public required long Stride { get; init; }

    /// <summary>Elements of a head.</summary>
    public required int HeadSize { get; init; }

    /// <summary>Positions, with padding.</summary>
    public required int Length { get; init; }

    /// <summary>Positions without padding.</summary>
    public required int TokenCount { get; init; }

    /// <summary>True if a position sees none after it.</summary>
    public required bool Causal { get; init; }

    /// <summary>True if a position's own score counts only where there is no other.</summary>
    public required bool AvoidsSelf { get; init; }

    /// <summary>Positions of a chunk.</summary>
    public required int ChunkLength { get; init; }

    /// <summary>Chunks before its own that a position sees.</summary>
    public required int Before { get; init; }

    /// <summary>Chunks after its own that a position sees.</summary>
    public required int After { get; init; }

    /// <summary>Scores that <see cref="Attend"/> needs room for.</summary>
    public int ScoreCount => checked(ChunkLength * (Before + After + 1));

    /// <summary>Computes the results of one chunk.</summary>
    /// <param name="context">Instructions.</param>
    /// <param name="chunk">Which.</param>
    /// <param name="order">All rounds: round · <see cref="Length"/> + position, chunk after chunk.</param>
    /// <param name="queries">The head's first query.</param>
    /// <param name="keys">The head's first key, scaled.</param>
    /// <param name="values">The head's first value.</param>
    /// <param name="scores">Working memory [<see cref="ScoreCount"/>].</param>
    /// <param name="results">The head's first result [rounds · positions].</param>
    /// <param name="weights">Logarithms of the sums of exponentials [rounds · positions].</param>
    public void Attend(
        ComputeContext context, int chunk, ReadOnlySpan<int> order, float* queries, float* keys, float* values, float* scores, float* results, float* weights)
    {
        int chunks = order.Length / ChunkLength;
        for (int i = 0; i < ChunkLength; i++)
        {
            int index = order[chunk * ChunkLength + i];
            int position = index % Length;
            int count = 0;
            for (int offset = -Before; offset <= After; offset++)
            {
                foreach (int other in Chunk(order, chunk, offset, chunks))
                    scores[count++] = Score(context, queries + position * Stride, keys, position, other % Length);
            }
            float largest = context.Arithmetic.Largest(scores, count);
            float sum = context.Arithmetic.ExponentialSum(scores, largest, count);
            // Rounded as in the reference: next to scores of −10⁵ the rounding shows.
            float logarithm = largest + MathF.Log(sum);
            float factor = MathF.Exp(largest - logarithm);
            float* result = results + index * Stride;
            new Span<float>(result, HeadSize).Clear();
            count = 0;
            for (int offset = -Before; offset <= After; offset++)
            {
                foreach (int other in Chunk(order, chunk, offset, chunks))
                {
                    float share = scores[count++] * factor;
                    if (share != 0)
                        context.Arithmetic.AddScaled(result, values + other % Length * Stride, share, HeadSize);
                }
            }
            weights[index] = logarithm;
        }
    }

    /// <summary>A neighbour of a chunk; those before the first are the last. As in the reference, a neighbour as far away as there are chunks, or farther, is the chunk itself.</summary>
    private ReadOnlySpan<int> Chunk(ReadOnlySpan<int> order, int chunk, int offset, int chunks) =>
        order.Slice((Math.Abs(offset) >= chunks ? chunk : (chunk + offset + chunks) % chunks) * ChunkLength, ChunkLength);

    private float Score(ComputeContext context, float* query, float* keys, int position, int other)
    {
        if (AvoidsSelf && position == other)
            return SelfScore;
        return other >= TokenCount || (Causal && other > position) ? MaskedScore : context.Arithmetic.Dot(query, keys + other * Stride, HeadSize);
    }
}
