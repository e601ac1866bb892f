using System.Text;

namespace Decant.Cli;

/// <summary>What the program is connected to. Tests put strings here; nothing else in the program touches <see cref="Console"/>.</summary>
internal sealed record Terminal
{
    public required TextReader Input { get; init; }

    public required TextWriter Output { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>True if a person types the input.</summary>
    public bool InputIsTerminal { get; init; }

    /// <summary>True if a person reads the output.</summary>
    public bool OutputIsTerminal { get; init; }

    /// <summary>True if a person reads the error stream, so that a progress bar makes sense there.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>False if the environment asks for no colour (NO_COLOR, TERM=dumb).</summary>
    public bool AllowsColor { get; init; }

    /// <summary>Columns of the terminal.</summary>
    public int Width { get; init; } = WideOutput;

    /// <summary>Columns where no terminal limits them: tables are not wrapped.</summary>
    public const int WideOutput = 10_000;

    /// <summary>The real console.</summary>
    public static Terminal OfProcess()
    {
        var utf8 = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);
        bool outputIsTerminal = !Console.IsOutputRedirected;
        bool errorIsTerminal = !Console.IsErrorRedirected;
        string? term = Environment.GetEnvironmentVariable("TERM");
        return new Terminal
        {
            Input = new StreamReader(Console.OpenStandardInput(), utf8),
            Output = new StreamWriter(Console.OpenStandardOutput(), utf8),
            // Several downloads may have something to say at once.
            Error = TextWriter.Synchronized(new StreamWriter(Console.OpenStandardError(), utf8) { AutoFlush = true }),
            InputIsTerminal = !Console.IsInputRedirected,
            OutputIsTerminal = outputIsTerminal,
            ErrorIsTerminal = errorIsTerminal && term != "dumb",
            // https://no-color.org: any non-empty value.
            AllowsColor = string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")) && term != "dumb",
            Width = outputIsTerminal || errorIsTerminal ? TerminalWidth(Console.WindowWidth) : WideOutput,
        };
    }

    // A terminal that does not know its width says 0.
    private static int TerminalWidth(int columns) => columns <= 0 ? 80 : Math.Max(40, columns);
}
