namespace Decant.Bench;

/// <summary>Medians and ranges of repeated runs.</summary>
internal static class Statistics
{
    public static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[sorted.Length / 2 - 1] + sorted[sorted.Length / 2]) / 2;
    }

    public static string Range(IEnumerable<double> values, string format)
    {
        double[] all = [.. values];
        return $"{all.Min().ToString(format)}–{all.Max().ToString(format)}";
    }
}
