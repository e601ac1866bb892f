namespace Decant.Core.Formats;

/// <summary>A set of points of a small lattice, in the order of their numbers: what vector-quantized blocks hold indices into.</summary>
internal sealed class Codebook
{
    private readonly sbyte[] coordinates;

    /// <summary>Unpacks the set.</summary>
    /// <param name="count">How many points.</param>
    /// <param name="dimension">Coordinates of a point.</param>
    /// <param name="levels">The values a coordinate may have, ascending.</param>
    /// <param name="bitmap">Base64 of one bit per point of the lattice, lowest bit first; the number of a point has its levels for
    /// digits, the first coordinate lowest.</param>
    public Codebook(int count, int dimension, ReadOnlySpan<sbyte> levels, string bitmap)
    {
        Dimension = dimension;
        coordinates = new sbyte[count * dimension];
        byte[] bits = Convert.FromBase64String(bitmap);
        int point = 0;
        for (int number = 0; number < 8 * bits.Length; number++)
        {
            if ((bits[number / 8] >> (number % 8) & 1) == 0)
                continue;
            int digits = number;
            for (int i = 0; i < dimension; i++, digits /= levels.Length)
                coordinates[point * dimension + i] = levels[digits % levels.Length];
            point++;
        }
        if (point != count)
            throw new InvalidOperationException($"The codebook should have {count} points, its bitmap has {point}.");
    }

    /// <summary>Coordinates of a point.</summary>
    public int Dimension { get; }

    /// <summary>The coordinates of a point.</summary>
    public ReadOnlySpan<sbyte> this[int point] => coordinates.AsSpan(point * Dimension, Dimension);

    /// <summary>
    /// Writes a point times a scale; where a bit of <paramref name="signs"/> is set, the element is negative. (Multiplied by ±1 last,
    /// as the reference does.)
    /// </summary>
    public void Decode(int point, float scale, int signs, Span<float> values)
    {
        ReadOnlySpan<sbyte> from = this[point];
        for (int i = 0; i < from.Length; i++)
            values[i] = scale * from[i] * ((signs >> i & 1) != 0 ? -1f : 1f);
    }

    /// <summary>Eight signs of which seven are stored: the eighth makes the number of negative elements even.</summary>
    public static int EvenSigns(int stored) => stored | (System.Numerics.BitOperations.PopCount((uint)stored) & 1) << 7;
}
