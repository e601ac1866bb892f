using Decant.Core.Architectures;

namespace Decant.Engine.Inference.Reversible;

/// <summary>
/// Rotations drawn as PyTorch draws them on a processor (<c>torch.manual_seed(hash_seed)</c>, <c>torch.randn</c>), so that buckets are those of the reference:
/// a Mersenne twister (Matsumoto and Nishimura 1998) and the transform of Box and Muller (1958). A model without a seed gets seed 0.
/// </summary>
public sealed class SeededRotations : IHashRotations
{
    // Numbers are made in blocks of so many: radii from the first half, angles from the second.
    private const int BlockLength = 16;

    /// <inheritdoc/>
    public void Draw(int hashedIndex, HashedAttentionSpec attention, int coordinates, Span<float> rotations)
    {
        ArgumentNullException.ThrowIfNull(attention);
        Fill(new MersenneTwister((uint)(attention.Seed ?? 0)), rotations);
    }

    /// <summary>Normally distributed numbers.</summary>
    internal static void Fill(MersenneTwister random, Span<float> values)
    {
        if (values.Length < BlockLength)
        {
            FillFew(random, values);
            return;
        }
        foreach (ref float value in values)
            value = Uniform(random);
        for (int first = 0; first <= values.Length - BlockLength; first += BlockLength)
            Transform(values.Slice(first, BlockLength));
        if (values.Length % BlockLength == 0)
            return;
        // The last block is drawn anew, with what of the block before it overlaps.
        Span<float> last = values[^BlockLength..];
        foreach (ref float value in last)
            value = Uniform(random);
        Transform(last);
    }

    /// <summary>24 bits as a number from 0 to below 1.</summary>
    private static float Uniform(MersenneTwister random) => (random.Next() & 0xffffff) * (1f / (1 << 24));

    private static void Transform(Span<float> block)
    {
        for (int i = 0; i < BlockLength / 2; i++)
        {
            float radius = MathF.Sqrt(-2 * MathF.Log(1 - block[i]));
            (float sine, float cosine) = MathF.SinCos(2 * MathF.PI * block[i + BlockLength / 2]);
            block[i] = radius * cosine;
            block[i + BlockLength / 2] = radius * sine;
        }
    }

    /// <summary>Fewer than a block are made by twos in double precision.</summary>
    private static void FillFew(MersenneTwister random, Span<float> values)
    {
        for (int i = 0; i < values.Length; i += 2)
        {
            double angle = 2 * Math.PI * UniformDouble(random);
            double radius = Math.Sqrt(-2 * double.LogP1(-UniformDouble(random)));
            values[i] = (float)(radius * Math.Cos(angle));
            if (i + 1 < values.Length)
                values[i + 1] = (float)(radius * Math.Sin(angle));
        }
    }

    /// <summary>53 bits as a number from 0 to below 1.</summary>
    private static double UniformDouble(MersenneTwister random)
    {
        ulong upper = random.Next();
        return ((upper << 32 | random.Next()) & ((1UL << 53) - 1)) * (1.0 / (1UL << 53));
    }
}
