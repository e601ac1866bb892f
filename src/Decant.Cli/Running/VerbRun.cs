using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Output;
using Decant.Cli.Verbs;
using Decant.Core.Devices;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Spectre.Console;

namespace Decant.Cli.Running;

/// <summary>One run of a verb: its options, where its output goes, how it reports progress.</summary>
internal sealed class VerbRun(Verb verb, ParseResult parsed, CommonOptions common, Terminal terminal, CancellationToken cancellationToken) : IDisposable
{
    private readonly ProgressDisplay display = new(terminal);
    private PeakMemoryMonitor? memory;

    public Verb Verb { get; } = verb;

    public Terminal Terminal { get; } = terminal;

    public CancellationToken CancellationToken { get; } = cancellationToken;

    /// <summary>True with --json: standard output carries one document and nothing else.</summary>
    public bool Json { get; } = parsed.GetValue(common.Json);

    /// <summary>True with --quiet.</summary>
    public bool Quiet { get; } = parsed.GetValue(common.Quiet);

    /// <summary>True with --offline.</summary>
    public bool Offline { get; } = parsed.GetValue(common.Offline);

    /// <summary>Threads to use; 0 for all cores.</summary>
    public int ThreadCount { get; } = parsed.GetValue(common.Threads);

    /// <summary>The command as the user gave it, for reports.</summary>
    public string CommandLine { get; } = ShellText.Join(parsed.Tokens.Select(token => token.Value).Prepend("decant"));

    /// <summary>The highest private memory since the first use of this property or of <see cref="WatchMemory"/>.</summary>
    public long PeakMemoryByteCount => WatchMemory().PeakByteCount;

    /// <summary>Starts watching private memory.</summary>
    public PeakMemoryMonitor WatchMemory() => memory ??= new PeakMemoryMonitor();

    public T? Get<T>(Option<T> option) => parsed.GetValue(option);

    public T Get<T>(Argument<T> argument) => parsed.GetRequiredValue(argument);

    /// <summary>True if the option stands on the command line.</summary>
    public bool Has(Option option) => parsed.GetResult(option) is { Implicit: false };

    /// <summary>A line for people on standard error, unless --quiet. May be called by any thread, and while progress is shown.</summary>
    public void Notice(string message)
    {
        if (!Quiet)
            display.WriteLine(message);
    }

    /// <summary>Says why the run ends with another code than done although its result is written.</summary>
    public ExitCode Fail(ExitCode code, string message)
    {
        Terminal.Error.WriteLine($"decant: {message}");
        return code;
    }

    /// <summary>Writes the verb's result: the document with --json, else text.</summary>
    public void Emit(Func<JsonObject> json, Action<IAnsiConsole> text)
    {
        if (Json)
            JsonOutput.Write(Terminal.Output, json());
        else
            TextOutput.Write(Terminal, text);
        Terminal.Output.Flush();
    }

    /// <summary>Runs work that reports how far it is: a bar on a terminal, a line every few seconds elsewhere, nothing with --quiet.</summary>
    public T WithProgress<T>(Func<IProgress<WorkProgress>?, T> work) =>
        Quiet ? work(null) : display.Run(work);

    /// <summary>As <see cref="WithProgress"/> without a bar, which a thread of its own draws: measurements would measure it too.</summary>
    public T WithProgressLines<T>(Func<IProgress<WorkProgress>?, T> work) => work(Quiet ? null : new LineProgress(Terminal.Error, TimeProvider.System));

    public void Dispose() => memory?.Dispose();
}
