using System.Globalization;
using System.Text;

namespace Decant.Cli.Tests.Output;

/// <summary>What a terminal of endless height shows after a stream of text and the few control sequences that progress bars use.</summary>
internal sealed class ScreenText
{
    private readonly List<StringBuilder> lines = [];
    private readonly int width;
    private int row;
    private int column;

    private ScreenText(int width) => this.width = width;

    public string[] Lines => [.. lines.Select(line => line.ToString().TrimEnd())];

    public static ScreenText Of(string text, int width)
    {
        var screen = new ScreenText(width);
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '\u001b')
                i = screen.Control(text, i);
            else
                screen.Put(text[i]);
        }
        return screen;
    }

    private int Control(string text, int start)
    {
        int end = start + 2;
        while (!char.IsAsciiLetter(text[end]))
            end++;
        string argument = text[(start + 2)..end];
        switch (text[end])
        {
            case 'A':
                row -= int.Parse(argument, CultureInfo.InvariantCulture);
                Assert.True(row >= 0, "the cursor left the screen");
                break;
            case 'J':
                Line().Length = Math.Min(Line().Length, column);
                lines.RemoveRange(row + 1, lines.Count - row - 1);
                break;
            case 'K':
                Line().Clear();
                break;
            case 'm' or 'h' or 'l':
                break;
            default:
                Assert.Fail($"an unknown sequence ESC [ {argument}{text[end]}");
                break;
        }
        return end;
    }

    private void Put(char c)
    {
        if (c == '\r')
        {
            column = 0;
            return;
        }
        // Past the last column the next character wraps, as terminals do it.
        if (c == '\n' || column == width)
        {
            row++;
            column = 0;
        }
        if (c == '\n')
            return;
        StringBuilder line = Line();
        line.Append(' ', Math.Max(0, column + 1 - line.Length));
        line[column++] = c;
    }

    private StringBuilder Line()
    {
        while (lines.Count <= row)
            lines.Add(new StringBuilder());
        return lines[row];
    }
}
