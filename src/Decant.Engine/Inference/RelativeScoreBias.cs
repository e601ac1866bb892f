using Decant.Core.Architectures;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>The biases of <see cref="RelativeBiasSpec"/>: a number for every head and every distance that has a bucket of its own.</summary>
internal sealed unsafe class RelativeScoreBias : ScoreBias
{
    private readonly float[] table;
    private readonly int firstDistance;
    private readonly int distanceCount;

    /// <summary>Reads the table of buckets.</summary>
    /// <param name="model">Where it is.</param>
    /// <param name="spec">How distances fall into buckets.</param>
    /// <param name="attention">Whose heads.</param>
    public RelativeScoreBias(Model model, RelativeBiasSpec spec, AttentionSpec attention)
    {
        var id = new TensorId(TensorRole.RelativeBias, spec.TableLayer);
        using AlignedBuffer buckets = SmallTensor.Load(model, model.Get(id), id, checked(spec.BucketCount * attention.HeadCount));
        int reach = spec.MaximumDistance;
        firstDistance = -reach;
        distanceCount = reach + 1 + (attention.Bidirectional ? reach : 0);
        table = new float[checked(distanceCount * attention.HeadCount)];
        for (int i = 0; i < distanceCount; i++)
        {
            int bucket = Bucket(firstDistance + i, spec.BucketCount, spec.MaximumDistance, attention.Bidirectional);
            for (int head = 0; head < attention.HeadCount; head++)
                table[head * distanceCount + i] = buckets.Floats[bucket * attention.HeadCount + head];
        }
    }

    /// <inheritdoc/>
    public override void AddTo(float* scores, long stride, int count, int head, int firstKey, int query)
    {
        ReadOnlySpan<float> own = table.AsSpan(head * distanceCount, distanceCount);
        for (int i = 0; i < count; i++)
            scores[i * stride] += own[Math.Clamp(firstKey - query + i - firstDistance, 0, distanceCount - 1)];
    }

    /// <summary>The bucket of a distance, key minus query. Logarithms in single precision, as in the original code: ranges end where its roundings put them.</summary>
    internal static int Bucket(int distance, int bucketCount, int maximumDistance, bool bidirectional)
    {
        int first = 0, count = bucketCount;
        int reach = bidirectional ? Math.Abs(distance) : Math.Max(-distance, 0);
        if (bidirectional)
        {
            count /= 2;
            first = distance > 0 ? count : 0;
        }
        int exact = count / 2;
        if (reach < exact)
            return first + reach;
        float share = MathF.Log((float)reach / exact) / (float)Math.Log((double)maximumDistance / exact);
        return first + Math.Min(count - 1, exact + (int)(share * (count - exact)));
    }
}
