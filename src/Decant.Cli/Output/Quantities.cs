using System.Globalization;

namespace Decant.Cli.Output;

/// <summary>Numbers with units for people. Bytes are binary multiples named as such (MiB); sizes on disk also stand in full where they matter.</summary>
internal static class Quantities
{
    private static readonly string[] byteUnits = ["B", "KiB", "MiB", "GiB", "TiB"];

    /// <summary>As in <c>138.1 MiB</c>.</summary>
    public static string Bytes(long count)
    {
        double value = count;
        int unit = 0;
        while (Math.Abs(value) >= 1024 && unit < byteUnits.Length - 1)
        {
            value /= 1024;
            unit++;
        }
        return unit == 0 ? $"{count} B" : string.Create(CultureInfo.InvariantCulture, $"{value:F1} {byteUnits[unit]}");
    }

    /// <summary>As in <c>144,811,104</c>.</summary>
    public static string Count(long count) => count.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>As in <c>134.5 M</c>.</summary>
    public static string Parameters(long count) => count switch
    {
        >= 1_000_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e9:F2} B"),
        >= 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e6:F1} M"),
        >= 10_000 => string.Create(CultureInfo.InvariantCulture, $"{count / 1e3:F1} k"),
        _ => Count(count),
    };

    /// <summary>As in <c>0.8 s</c>, <c>42 s</c>, <c>3 min 05 s</c>, <c>2 h 10 min</c>.</summary>
    public static string Duration(TimeSpan time) => time switch
    {
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F1} s"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds:F0} s"),
        { TotalHours: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{time.Minutes} min {time.Seconds:D2} s"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{(long)time.TotalHours} h {time.Minutes:D2} min"),
    };

    /// <summary>A number with so many decimals.</summary>
    public static string Fixed(double value, int decimals) => value.ToString("F" + decimals.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    /// <summary>A small number with three significant digits.</summary>
    public static string Significant(double value) => value.ToString("G3", CultureInfo.InvariantCulture);

    /// <summary>As in <c>97.3 %</c>.</summary>
    public static string Percent(double share) => string.Create(CultureInfo.InvariantCulture, $"{100 * share:F1} %");
}
