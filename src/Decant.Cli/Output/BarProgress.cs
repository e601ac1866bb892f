using Decant.Core.Measurement;
using Spectre.Console;

namespace Decant.Cli.Output;

/// <summary>Progress for people: a bar for each stage.</summary>
internal sealed class BarProgress(ProgressContext context, ItemColumn items) : IProgress<WorkProgress>
{
    private readonly Lock gate = new();
    private readonly TimeLeftEstimate estimate = new(TimeProvider.System);
    private ProgressTask? bar;
    private string? stage;

    public void Report(WorkProgress value)
    {
        lock (gate)
        {
            if (bar is null || stage != value.Stage)
            {
                bar?.Value(bar.MaxValue).StopTask();
                bar = context.AddTask(Markup.Escape(value.Stage), maxValue: Math.Max(1, value.Total));
                stage = value.Stage;
            }
            bar.IsIndeterminate = value.Total <= 0;
            bar.MaxValue = Math.Max(1, value.Total);
            bar.Value = value.Done;
            items.Set(bar, value.Rate is { } rate && value.Unit == "bytes"
                ? $"{Quantities.Bytes(value.Done)} of {Quantities.Bytes(value.Total)}, {LineProgress.Rate(rate, value.Unit)}, {value.Item}"
                : value.Item);
            TimeLeftColumn.Set(bar, estimate.Update(value));
        }
    }
}
