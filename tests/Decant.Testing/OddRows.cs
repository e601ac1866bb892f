namespace Decant.Testing;

/// <summary>
/// Rows that encoders tend to get wrong: ties, zeros of both signs, denormals, outliers, constants, blocks of very different size;
/// and importance weights with zeros, whole blocks of zeros and extreme sizes. Fixed seeds, hence always the same rows.
/// </summary>
public static class OddRows
{
    /// <summary>Names of the kinds of rows.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
    [
        "normal", "uniform", "heavy tails", "steps of an eighth", "small integers", "ternary", "two values", "constant", "negative", "positive",
        "mostly zero", "zeros of both signs", "some blocks zero", "one outlier", "blocks of many sizes", "elements of many sizes", "denormal",
        "nearly denormal", "tiny", "near the smallest half", "near the largest half", "huge", "half values", "equal magnitudes", "offset", "ramp",
    ];

    /// <summary>Names of the kinds of importance weights; the first means none.</summary>
    public static IReadOnlyList<string> ImportanceKinds { get; } =
        ["none", "positive", "constant", "some zero", "blocks zero", "all zero", "tiny", "huge", "many sizes"];

    /// <summary>A finite row of the kind.</summary>
    public static float[] Row(string kind, int length, int seed)
    {
        var random = new Random(HashCode(kind, length, seed));
        float sign = random.Next(2) == 0 ? 1 : -1;
        float constant = (float)Normal(random);
        int outlier = random.Next(length);
        var blockScale = new double[length / 16 + 1];
        for (int i = 0; i < blockScale.Length; i++)
            blockScale[i] = Math.Pow(10, random.NextDouble() * 8 - 5);
        return Fill(length, i => kind switch
        {
            "normal" => 0.02f * (float)Normal(random),
            "uniform" => 2 * random.NextSingle() - 1,
            "heavy tails" => 0.01f * (float)Math.Pow(Normal(random), 3),
            "steps of an eighth" => random.Next(-64, 65) / 8f,
            "small integers" => random.Next(-8, 9),
            "ternary" => 0.013f * random.Next(-1, 2),
            "two values" => random.Next(2) == 0 ? constant : constant / 2,
            "constant" => constant,
            "negative" => -random.NextSingle(),
            "positive" => random.NextSingle(),
            "mostly zero" => random.Next(10) == 0 ? (float)Normal(random) : 0,
            "zeros of both signs" => random.Next(40) == 0 ? 1e-3f * (float)Normal(random) : random.Next(2) == 0 ? 0f : -0f,
            "some blocks zero" => blockScale[i / 16] < 0.1 ? 0 : (float)Normal(random),
            "one outlier" => i == outlier ? sign * 1e4f : 0.01f * (float)Normal(random),
            "blocks of many sizes" => (float)(blockScale[i / 16] * Normal(random)),
            "elements of many sizes" => (float)(Math.Pow(10, random.NextDouble() * 12 - 9) * Normal(random)),
            "denormal" => BitConverter.Int32BitsToSingle(random.Next(1 << 22)) * (random.Next(2) == 0 ? 1 : -1),
            "nearly denormal" => (float)(2e-37 * Normal(random)),
            "tiny" => (float)(Math.Pow(10, -random.Next(10, 20)) * Normal(random)),
            "near the smallest half" => (float)(2e-6 * Normal(random)),
            "near the largest half" => (float)(Math.Pow(10, 3.5 + random.NextDouble() * 2.5) * (random.NextDouble() - 0.5)),
            "huge" => (float)(Math.Pow(10, random.NextDouble() * 30) * (random.NextDouble() - 0.5)),
            "half values" => (float)(Half)(0.05 * Normal(random)),
            "equal magnitudes" => random.Next(2) == 0 ? constant : -constant,
            "offset" => constant + 0.001f * (float)Normal(random),
            "ramp" => i % 256 - 128,
            _ => throw new ArgumentException(kind, nameof(kind)),
        });
    }

    /// <summary>Importance weights of the kind, or null for "none".</summary>
    public static float[]? Importance(string kind, int length, int seed)
    {
        if (kind == "none")
            return null;
        var random = new Random(HashCode(kind, length, seed + 1));
        var zero = new bool[length / 16 + 1];
        for (int i = 0; i < zero.Length; i++)
            zero[i] = random.Next(3) == 0;
        return Fill(length, i => kind switch
        {
            "positive" => -MathF.Log(1 - random.NextSingle()),
            "constant" => 1,
            "some zero" => random.Next(4) == 0 ? 0 : random.NextSingle(),
            "blocks zero" => zero[i / 16] || (i / 256 == 0 && i / 32 % 2 == 0) ? 0 : random.NextSingle(),
            "all zero" => 0,
            "tiny" => 1e-30f * random.NextSingle(),
            "huge" => 1e12f * random.NextSingle(),
            "many sizes" => (float)Math.Pow(10, random.NextDouble() * 16 - 8),
            _ => throw new ArgumentException(kind, nameof(kind)),
        });
    }

    private static float[] Fill(int length, Func<int, float> element)
    {
        var row = new float[length];
        for (int i = 0; i < length; i++)
            row[i] = element(i);
        return row;
    }

    private static double Normal(Random random) =>
        Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());

    private static int HashCode(string kind, int length, int seed)
    {
        int hash = seed * 31 + length;
        foreach (char c in kind)
            hash = hash * 31 + c;
        return hash;
    }
}
