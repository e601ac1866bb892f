using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using Decant.Cli.Verbs;
using Decant.Core.Errors;

namespace Decant.Cli.Running;

/// <summary>The command line as System.CommandLine sees it: the root, the options every verb has, and one command per verb.</summary>
internal sealed class DecantCommandLine
{
    // Help that goes to a file or a pager.
    private const int PagedWidth = 120;

    private static readonly (string Command, string Meaning)[] firstSteps =
    [
        ("decant inspect MODEL", "What a model is; MODEL is a .gguf file, a Hugging Face folder, or hf:ORG/NAME of the hub"),
        ("decant compress MODEL -o small.gguf --to q4_k_m", "A smaller model in one file, checked against the one it comes from"),
        ("decant run small.gguf \"Once upon a time\"", "What it writes"),
        ("decant compress --help", "The options of a verb, with examples"),
    ];

    private readonly Terminal terminal;
    private readonly RootCommand root = new("Makes language models small, and proves what that cost.");

    /// <summary>Builds what a command line needs.</summary>
    /// <param name="terminal">Where output goes.</param>
    /// <param name="args">The command line. If it names verbs, only these get their options: making those of all takes longer than parsing.</param>
    /// <param name="cancellationToken">Stops the verb.</param>
    public DecantCommandLine(Terminal terminal, IReadOnlyList<string> args, CancellationToken cancellationToken)
    {
        this.terminal = terminal;
        var common = new CommonOptions();
        root.Add(common.Json);
        root.Add(common.Quiet);
        root.Add(common.Threads);
        root.Add(common.Offline);
        foreach (Option option in root.Options)
        {
            switch (option)
            {
                case VersionOption version:
                    version.Action = new VersionAction(terminal);
                    break;
                case HelpOption help:
                    help.Action = new HelpWithExamples((HelpAction)help.Action!, terminal);
                    break;
            }
        }
        bool namesVerb = VerbList.All.Any(entry => args.Contains(entry.Name));
        foreach ((string name, Func<Verb> create) in VerbList.All)
            root.Add(!namesVerb || args.Contains(name) ? Declare(create(), common, cancellationToken) : new Command(name));
    }

    private VerbCommand Declare(Verb verb, CommonOptions common, CancellationToken cancellationToken)
    {
        var command = new VerbCommand(verb);
        verb.Declare(command);
        command.SetAction(parsed => (int)VerbThread.Run(() => Run(verb, parsed, common, cancellationToken), !verb.WritesFiles, cancellationToken));
        return command;
    }

    private ExitCode Run(Verb verb, ParseResult parsed, CommonOptions common, CancellationToken cancellationToken)
    {
        using var run = new VerbRun(verb, parsed, common, terminal, cancellationToken);
        return verb.Run(run);
    }

    public ParseResult Parse(IReadOnlyList<string> args) =>
        // A prompt may begin with '@': no response files.
        root.Parse(args, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>Says what is wrong with the command line and where to read more.</summary>
    public ExitCode ReportErrors(ParseResult parsed)
    {
        string where = parsed.CommandResult.Command is VerbCommand verb ? $"decant {verb.Name}" : "decant";
        if (parsed.Tokens.Count == 0)
        {
            root.Parse(["--help"]).Invoke(new InvocationConfiguration { Output = terminal.Error });
            return ExitCode.Usage;
        }
        var messages = new List<string>();
        foreach (string message in parsed.Errors.Select(InWords).Distinct())
            messages.Add(message);
        IEnumerable<string> known = root.Subcommands.Select(command => command.Name);
        if (parsed.CommandResult.Command == root && parsed.UnmatchedTokens is [string first, ..])
        {
            messages.Clear();
            messages.Add($"there is no verb '{first}'.{NearestName.Hint(first, known)}");
        }
        throw new UsageException(string.Join(" ", messages) + $" See: {where} --help");
    }

    // The parser names the types of the program, which say nothing to its user.
    private static string InWords(ParseError error)
    {
        if (error.SymbolResult is not OptionResult { Option: var option, Tokens: [var token, ..] } || !error.Message.Contains("System.", StringComparison.Ordinal))
            return error.Message;
        string? expected = option.ValueType switch
        {
            Type type when type == typeof(int) || type == typeof(int?) => $"a whole number of at most {int.MaxValue}",
            Type type when type == typeof(long) || type == typeof(long?) || type == typeof(ulong) || type == typeof(ulong?) => "a whole number",
            Type type when type == typeof(double) || type == typeof(double?) || type == typeof(float) || type == typeof(float?) => "a number",
            _ => null,
        };
        return expected is null ? error.Message : $"{option.Name} takes {expected}, not '{token.Value}'.";
    }

    private sealed class VersionAction(Terminal terminal) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            terminal.Output.WriteLine($"decant {ProductVersion.Text}");
            return 0;
        }
    }

    private sealed class HelpWithExamples(HelpAction usual, Terminal terminal) : SynchronousCommandLineAction
    {
        public override bool ClearsParseErrors => true;

        public override int Invoke(ParseResult parseResult)
        {
            usual.MaxWidth = terminal.OutputIsTerminal ? terminal.Width : PagedWidth;
            usual.Invoke(parseResult);
            TextWriter output = parseResult.InvocationConfiguration.Output;
            output.WriteLine("Examples:");
            foreach ((string command, string meaning) in (parseResult.CommandResult.Command as VerbCommand)?.Verb.Examples ?? firstSteps)
            {
                output.WriteLine($"  {command}");
                output.WriteLine($"      {meaning}");
            }
            return 0;
        }
    }
}
