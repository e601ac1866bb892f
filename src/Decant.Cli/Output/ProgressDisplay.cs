using Decant.Core.Measurement;
using Spectre.Console;

namespace Decant.Cli.Output;

/// <summary>Shows how far work is, on standard error.</summary>
internal static class ProgressDisplay
{
    /// <summary>Runs the work under a bar with time left on a terminal, and under a plain line every few seconds elsewhere.</summary>
    public static T Run<T>(Terminal terminal, Func<IProgress<WorkProgress>?, T> work)
    {
        if (!terminal.ErrorIsTerminal || !terminal.AllowsColor)
            return work(new LineProgress(terminal.Error, TimeProvider.System));
        var items = new ItemColumn();
        Progress bars = TextOutput.CreateForError(terminal).Progress()
            .AutoClear(true)
            .HideCompleted(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new TimeLeftColumn(), items);
        return bars.Start(context => work(new BarProgress(context, items)));
    }
}
