using Spectre.Console;
using Spectre.Console.Rendering;

namespace Decant.Cli.Output;

/// <summary>
/// A borderless table with a header row whose cells stay whole: where the terminal is too narrow for that, text in the last column is wrapped, and where that
/// does not help, every row becomes a name with its values below it.
/// </summary>
internal sealed class TextTable : Renderable
{
    private const int Gap = 2;
    private const int NarrowestText = 24;

    private readonly (string Heading, bool IsNumber)[] columns;
    private readonly List<string[]> rows = [];

    /// <summary>Makes a table without rows.</summary>
    /// <param name="headings">The headings; those of numbers, which are aligned to the right, begin with '&gt;'.</param>
    public TextTable(params ReadOnlySpan<string> headings)
    {
        columns = new (string, bool)[headings.Length];
        for (int i = 0; i < columns.Length; i++)
            columns[i] = headings[i].StartsWith('>') ? (headings[i][1..], true) : (headings[i], false);
    }

    /// <summary>Adds a row of literal text, a cell for each column.</summary>
    public void AddRow(params ReadOnlySpan<string> cells)
    {
        if (cells.Length != columns.Length)
            throw new ArgumentException($"A row of {columns.Length} cells has {cells.Length}.", nameof(cells));
        rows.Add(cells.ToArray());
    }

    protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth)
    {
        int[] widths = [.. columns.Select((column, i) => rows.Select(row => row[i].GetCellWidth()).Append(column.Heading.GetCellWidth()).Max())];
        int beforeLast = widths[..^1].Sum(width => width + Gap);
        bool fits = beforeLast + widths[^1] <= maxWidth || (!columns[^1].IsNumber && beforeLast + NarrowestText <= maxWidth);
        widths[^1] = Math.Min(widths[^1], maxWidth - beforeLast);
        IRenderable shown = fits ? AsTable(widths) : AsBlocks();
        return shown.Render(options, maxWidth);
    }

    private Table AsTable(int[] widths)
    {
        var table = new Table { Border = TableBorder.None };
        for (int i = 0; i < columns.Length; i++)
        {
            table.AddColumn(new TableColumn(Bold(columns[i].Heading))
            {
                Alignment = columns[i].IsNumber ? Justify.Right : Justify.Left,
                Width = widths[i],
                Padding = new Padding(0, 0, i < columns.Length - 1 ? Gap : 0, 0),
            });
        }
        foreach (string[] row in rows)
            table.AddRow(row.Select(cell => new Text(cell)));
        return table;
    }

    private Rows AsBlocks()
    {
        var blocks = new List<IRenderable>();
        foreach (string[] row in rows)
        {
            blocks.Add(Bold(row[0]));
            IEnumerable<string> values = columns.Zip(row).Skip(1).Where(cell => cell.Second.Length > 0).Select(cell => $"{cell.First.Heading}: {cell.Second}");
            blocks.Add(new Padder(new Text(string.Join("; ", values)), new Padding(Gap, 0, 0, 0)));
        }
        return new Rows(blocks);
    }

    private static Text Bold(string text) => new(text, new Style(decoration: Decoration.Bold));
}
