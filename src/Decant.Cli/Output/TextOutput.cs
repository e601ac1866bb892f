using System.Globalization;
using Spectre.Console;

namespace Decant.Cli.Output;

/// <summary>Text for people: colours and box lines on a terminal, plain characters elsewhere.</summary>
internal static class TextOutput
{
    /// <summary>Writes to standard output: as it is on a terminal, elsewhere without the blanks that fill the last column of tables.</summary>
    public static void Write(Terminal terminal, Action<IAnsiConsole> text)
    {
        if (terminal.OutputIsTerminal)
        {
            text(Create(terminal, terminal.Output, isTerminal: true));
            return;
        }
        using var buffer = new StringWriter(CultureInfo.InvariantCulture);
        text(Create(terminal, buffer, isTerminal: false));
        string[] lines = buffer.ToString().Split('\n');
        for (int i = 0; i < lines.Length - 1; i++)
            terminal.Output.Write(lines[i].TrimEnd() + "\n");
        terminal.Output.Write(lines[^1].TrimEnd());
    }

    /// <summary>A console over standard error.</summary>
    public static IAnsiConsole CreateForError(Terminal terminal) => Create(terminal, terminal.Error, terminal.ErrorIsTerminal);

    /// <summary>Writes a line of literal text.</summary>
    public static void WriteFact(this IAnsiConsole console, string line) => console.Write(new Text(line + "\n"));

    /// <summary>Rows of name and value.</summary>
    public static Table CreateFacts(IEnumerable<(string Name, string Value)> facts)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = false };
        table.AddColumn(new TableColumn("") { NoWrap = true, Padding = new Padding(0, 0, 2, 0) });
        table.AddColumn(new TableColumn(""));
        foreach ((string name, string value) in facts)
            table.AddRow(new Text(name, new Style(decoration: Decoration.Bold)), new Text(value));
        return table;
    }

    private static IAnsiConsole Create(Terminal terminal, TextWriter writer, bool isTerminal)
    {
        bool ansi = isTerminal && terminal.AllowsColor;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = ansi ? AnsiSupport.Detect : AnsiSupport.No,
            ColorSystem = ansi ? ColorSystemSupport.Detect : ColorSystemSupport.NoColors,
            Interactive = isTerminal ? InteractionSupport.Detect : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = isTerminal ? terminal.Width : Terminal.WideOutput;
        return console;
    }
}
