using Decant.Core.Measurement;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace Decant.Cli.Output;

/// <summary>Shows on standard error how far work is, and what there is to say meanwhile.</summary>
/// <param name="terminal">Where it is shown.</param>
/// <param name="barConsole">What draws the bars, or null for what the terminal can do.</param>
internal sealed class ProgressDisplay(Terminal terminal, IAnsiConsole? barConsole = null)
{
    // Set while bars are drawn: what passes it by would be written into them.
    private volatile IAnsiConsole? bars;

    /// <summary>Runs the work under a bar with time left on a terminal, and under a plain line every few seconds elsewhere.</summary>
    public T Run<T>(Func<IProgress<WorkProgress>?, T> work)
    {
        if (!terminal.ErrorIsTerminal || !terminal.AllowsColor)
            return work(new LineProgress(terminal.Error, TimeProvider.System));
        var items = new ItemColumn();
        IAnsiConsole console = barConsole ?? TextOutput.CreateForError(terminal);
        Progress progress = console.Progress()
            .AutoClear(true)
            .HideCompleted(false)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new TimeLeftColumn(), items);
        return progress.Start(context =>
        {
            bars = console;
            try
            {
                return work(new BarProgress(context, items));
            }
            finally
            {
                bars = null;
            }
        });
    }

    /// <summary>Writes a line; above the bar while one is drawn. May be called by any thread.</summary>
    public void WriteLine(string line)
    {
        if (bars is { } console)
            console.Write(new Line(line));
        else
            terminal.Error.WriteLine(line);
    }

    /// <summary>A line as it is: where it wraps is the terminal's business, so that a path can be copied.</summary>
    private sealed class Line(string text) : IRenderable
    {
        public Measurement Measure(RenderOptions options, int maxWidth) => new(0, maxWidth);

        // The cursor stands where the bar begins; what is not written over would stay.
        public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => [Segment.Control("\u001b[J"), new Segment(text), Segment.LineBreak];
    }
}
