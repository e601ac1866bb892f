using Spectre.Console;
using Spectre.Console.Rendering;

namespace Decant.Cli.Output;

/// <summary>The last column of a progress bar: the time left that the worker or its own pace gives.</summary>
internal sealed class TimeLeftColumn : ProgressColumn
{
    private const string StateKey = "time-left";

    protected override bool NoWrap => true;

    public static void Set(ProgressTask bar, TimeSpan? left) => bar.State.Update<TimeSpan>(StateKey, _ => left ?? TimeSpan.Zero);

    public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
        new Text(!task.IsFinished && task.State.Get<TimeSpan>(StateKey) is { Ticks: > 0 } left ? Quantities.Duration(left) + " left" : "");

    // As in "23 h 59 min left".
    public override int? GetColumnWidth(RenderOptions options) => 16;
}
