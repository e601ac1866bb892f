using Spectre.Console;
using Spectre.Console.Rendering;

namespace Decant.Cli.Output;

/// <summary>Behind a progress bar: the tensor, file or figure at work. Last in the row, so that its length moves nothing.</summary>
internal sealed class ItemColumn : ProgressColumn
{
    private volatile Shown? shown;

    protected override bool NoWrap => true;

    public void Set(ProgressTask bar, string? item) => shown = new Shown(bar, item ?? "");

    public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) =>
        new Text(shown is { } now && ReferenceEquals(now.Bar, task) && !task.IsFinished ? now.Item : "");

    private sealed record Shown(ProgressTask Bar, string Item);
}
