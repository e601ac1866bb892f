using System.Globalization;
using Decant.Core.Errors;

namespace Decant.Cli.Models;

/// <summary>Sizes as users write them: <c>800MB</c>, <c>5GB</c>, <c>2GiB</c>, or plain bytes. KB, MB and GB are powers of ten, KiB, MiB and GiB of two.</summary>
internal static class ByteSizes
{
    private static readonly (string Unit, double Factor)[] units =
    [
        ("KIB", 1024.0), ("MIB", 1024.0 * 1024), ("GIB", 1024.0 * 1024 * 1024), ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("B", 1), ("", 1),
    ];

    /// <summary>Reads a size.</summary>
    /// <exception cref="UsageException">It is no size of at least one byte.</exception>
    public static long Parse(string option, string text)
    {
        string upper = text.Trim().ToUpperInvariant();
        (string unit, double factor) = units.First(u => upper.EndsWith(u.Unit, StringComparison.Ordinal));
        return double.TryParse(upper.AsSpan(0, upper.Length - unit.Length).TrimEnd(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double value)
            && value * factor is >= 1 and <= long.MaxValue / 2
                ? (long)(value * factor)
                : throw new UsageException($"{option} {text}: expected a size such as 800MB, 5GB or 2GiB.");
    }
}
