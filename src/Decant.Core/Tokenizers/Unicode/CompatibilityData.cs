namespace Decant.Core.Tokenizers.Unicode;

/// <summary>Compatibility decompositions (NFKD, NFKC): <c>compatibility-9.0.txt</c>. Canonical ones are <see cref="CanonicalData"/>'s.</summary>
internal static class CompatibilityData
{
    private static readonly Lazy<Dictionary<int, int[]>> decompositions = new(Read);

    /// <summary>One step of compatibility decomposition.</summary>
    /// <returns>False if there is none.</returns>
    public static bool TryDecompose(int codePoint, out ReadOnlySpan<int> parts)
    {
        if (codePoint >= 0xA0 && decompositions.Value.TryGetValue(codePoint, out int[]? found))
        {
            parts = found;
            return true;
        }
        parts = default;
        return false;
    }

    private static Dictionary<int, int[]> Read()
    {
        var result = new Dictionary<int, int[]>();
        foreach (string line in UnicodeResource.ReadLines("compatibility-9.0.txt"))
        {
            foreach (string item in line.Split(' '))
            {
                int sign = item.IndexOf('=', StringComparison.Ordinal);
                result.Add(UnicodeResource.Hexadecimal(item.AsSpan(0, sign)), [.. item[(sign + 1)..].Split('+').Select(part => UnicodeResource.Hexadecimal(part))]);
            }
        }
        return result;
    }
}
