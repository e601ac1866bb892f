using Decant.Core.Architectures;
using Decant.Core.Errors;

namespace Decant.Engine.Inference.Reversible;

/// <summary>
/// Sorts positions into buckets: a vector belongs to the coordinate of its rotations, with either sign, that is largest (Andoni et al. 2015). Every round has
/// buckets of its own; within a bucket positions keep their order.
/// </summary>
internal static unsafe class HashBuckets
{
    /// <summary>Buckets of the first and the second hash for texts of so many positions; one bucket for the second if there is none.</summary>
    /// <param name="spec">Attention.</param>
    /// <param name="length">Positions, with padding.</param>
    /// <param name="contextLength">The model's context.</param>
    public static (int First, int Second) CountsOf(HashedAttentionSpec spec, int length, int contextLength)
    {
        if (spec.BucketCount is { } stated)
            return (stated, spec.SecondBucketCount ?? 1);
        int power = System.Numerics.BitOperations.Log2((uint)(2 * (length / spec.ChunkLength)));
        int most = 2 * Math.Max((int)Math.Sqrt(contextLength / spec.ChunkLength), spec.ChunkLength);
        return 1L << power > most ? (1 << power / 2, 1 << power - power / 2) : (1 << power, 1);
    }

    /// <summary>Half the buckets of the first hash and, if there is one, half of the second: coordinates of a rotation.</summary>
    public static int CoordinateCount((int First, int Second) counts) => counts.First / 2 + (counts.Second > 1 ? counts.Second / 2 : 0);

    /// <summary>Sorts the positions of one head in all rounds.</summary>
    /// <param name="vectors">The first position's vector of the head.</param>
    /// <param name="stride">Elements between positions.</param>
    /// <param name="size">Elements of a vector.</param>
    /// <param name="length">Positions, with padding.</param>
    /// <param name="tokenCount">Positions without padding; padding has a bucket of its own, the last.</param>
    /// <param name="rotations">[head size, rounds, coordinates] of this head.</param>
    /// <param name="rounds">Rounds.</param>
    /// <param name="counts">Buckets.</param>
    /// <param name="order">[rounds · positions]; result: round · positions + position, by round, bucket and position.</param>
    public static void Sort(
        float* vectors, long stride, int size, int length, int tokenCount, ReadOnlySpan<float> rotations, int rounds, (int First, int Second) counts, Span<int> order)
    {
        int coordinates = CoordinateCount(counts);
        long perRound = (long)counts.First * counts.Second + (tokenCount < length ? 1 : 0);
        var buckets = new long[order.Length];
        Span<float> rotated = coordinates <= 256 ? stackalloc float[coordinates] : new float[coordinates];
        for (int round = 0; round < rounds; round++)
        {
            for (int position = 0; position < length; position++)
            {
                long bucket = perRound - 1;
                if (position < tokenCount)
                {
                    rotated.Clear();
                    for (int element = 0; element < size; element++)
                    {
                        float value = vectors[position * stride + element];
                        ReadOnlySpan<float> row = rotations.Slice((element * rounds + round) * coordinates, coordinates);
                        for (int i = 0; i < coordinates; i++)
                            rotated[i] = MathF.FusedMultiplyAdd(value, row[i], rotated[i]);
                    }
                    bucket = LargestOf(rotated[..(counts.First / 2)]);
                    if (counts.Second > 1)
                        bucket += (long)counts.First * LargestOf(rotated[(counts.First / 2)..]);
                }
                int index = round * length + position;
                buckets[index] = round * perRound + bucket;
                order[index] = index;
            }
        }
        // Ties go by position, as in a stable sort.
        for (int i = 0; i < buckets.Length; i++)
            buckets[i] = buckets[i] * order.Length + i;
        buckets.AsSpan().Sort(order);
    }

    /// <summary>The index of the largest among the coordinates and, behind them, their negatives.</summary>
    private static int LargestOf(ReadOnlySpan<float> coordinates)
    {
        int largest = 0;
        float value = coordinates[0];
        for (int i = 1; i < 2 * coordinates.Length; i++)
        {
            float other = i < coordinates.Length ? coordinates[i] : -coordinates[i - coordinates.Length];
            if (other > value)
                (largest, value) = (i, other);
        }
        return largest;
    }

    /// <summary>Throws if the numbers of buckets and rounds make no rotation that fits memory.</summary>
    /// <exception cref="LimitNotMetException">They do not.</exception>
    public static int RotationLength(HashedAttentionSpec spec, int coordinates)
    {
        long length = (long)spec.HeadCount * spec.HeadSize * spec.HashCount * coordinates;
        return length <= int.MaxValue / 8
            ? (int)length
            : throw new LimitNotMetException($"The rotations of {spec.HeadCount} heads, {spec.HashCount} rounds and {2 * coordinates} buckets are too large to hold.");
    }
}
