using System.CommandLine;
using System.Runtime.InteropServices;
using Decant.Cli.Running;
using Decant.Core.Errors;

namespace Decant.Cli;

/// <summary>The <c>decant</c> command.</summary>
public static class Program
{
    /// <summary>Runs the command line of the process. The exit codes are those of <see cref="ExitCode"/>.</summary>
    public static int Main(string[] args)
    {
        Terminal terminal = Terminal.OfProcess();
        using var cancellation = new CancellationTokenSource();
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        return Run(args, terminal, cancellation.Token);

        void Stop(PosixSignalContext context)
        {
            // The first signal asks for an orderly end, which removes or keeps what must be; the second one ends the process.
            context.Cancel = !cancellation.IsCancellationRequested;
            cancellation.Cancel();
        }
    }

    /// <summary>Runs one command line against any streams.</summary>
    internal static int Run(IReadOnlyList<string> args, Terminal terminal, CancellationToken cancellationToken)
    {
        ExitCode code;
        try
        {
            var commandLine = new DecantCommandLine(terminal, args, cancellationToken);
            ParseResult parsed = commandLine.Parse(args);
            code = parsed.Errors.Count > 0
                ? commandLine.ReportErrors(parsed)
                : (ExitCode)parsed.Invoke(new InvocationConfiguration
                {
                    Output = terminal.Output,
                    Error = terminal.Error,
                    EnableDefaultExceptionHandler = false,
                    ProcessTerminationTimeout = null,
                });
        }
        catch (Exception error)
        {
            code = ErrorReport.Write(error, terminal, asJson: args.Contains("--json"));
        }
        try
        {
            terminal.Output.Flush();
        }
        catch (IOException error)
        {
            // A full disk behind a redirection shows only when the last bytes leave.
            if (code == ExitCode.Done)
                code = ErrorReport.Write(error, terminal, asJson: false);
        }
        terminal.Error.Flush();
        return (int)code;
    }
}
