using System.Globalization;
using Decant.Core.Measurement;

namespace Decant.Cli.Output;

/// <summary>Progress for logs: a plain line every few seconds, nothing for work that ends sooner.</summary>
internal sealed class LineProgress(TextWriter output, TimeProvider clock) : IProgress<WorkProgress>
{
    /// <summary>Time between lines.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private readonly TimeLeftEstimate estimate = new(clock);
    private long lastLine = clock.GetTimestamp();

    public void Report(WorkProgress value)
    {
        lock (gate)
        {
            TimeSpan? left = estimate.Update(value);
            if (clock.GetElapsedTime(lastLine) < Interval)
                return;
            lastLine = clock.GetTimestamp();
            output.WriteLine(Describe(value, left));
        }
    }

    internal static string Describe(WorkProgress value, TimeSpan? left)
    {
        string amount = value.Unit == "bytes" ? Quantities.Bytes(value.Done) : $"{Quantities.Count(value.Done)} {value.Unit}";
        if (value.Fraction is { } fraction)
        {
            string total = value.Unit == "bytes" ? Quantities.Bytes(value.Total) : Quantities.Count(value.Total);
            string done = value.Unit == "bytes" ? Quantities.Bytes(value.Done) : Quantities.Count(value.Done);
            amount = string.Create(CultureInfo.InvariantCulture, $"{100 * fraction:F0} % ({done} of {total}{(value.Unit == "bytes" ? "" : " " + value.Unit)})");
        }
        string line = $"{value.Stage}: {amount}";
        if (value.Rate is { } rate)
            line += $", {Rate(rate, value.Unit)}";
        if (left is { } time)
            line += $", {Quantities.Duration(time)} left";
        return value.Item is null ? line : $"{line}, {value.Item}";
    }

    /// <summary>As in <c>12.3 MiB/s</c>.</summary>
    internal static string Rate(double perSecond, string unit) => unit == "bytes" ? $"{Quantities.Bytes((long)perSecond)}/s" : $"{Quantities.Count((long)perSecond)} {unit}/s";
}
