using System.Text.Json.Nodes;
using Decant.Cli.Output;
using Decant.Core.Errors;
using Decant.Core.Templates;

namespace Decant.Cli.Running;

/// <summary>Turns an exception into a message and an exit code. Stack traces are for <c>DECANT_DEBUG=1</c> only.</summary>
internal static class ErrorReport
{
    public static ExitCode Write(Exception error, Terminal terminal, bool asJson)
    {
        (ExitCode code, string kind, string message) = Describe(error);
        terminal.Error.WriteLine(code == ExitCode.Cancelled ? "decant: cancelled" : $"decant: {message}");
        if (code == ExitCode.Bug)
            terminal.Error.WriteLine("This is a bug in Decant. Please report it with the command; DECANT_DEBUG=1 adds where it happened.");
        if (Environment.GetEnvironmentVariable("DECANT_DEBUG") == "1")
            terminal.Error.WriteLine(error);
        if (asJson)
        {
            JsonOutput.Write(terminal.Output, new JsonObject
            {
                ["error"] = new JsonObject { ["exit_code"] = (int)code, ["kind"] = kind, ["message"] = message },
            });
        }
        return code;
    }

    private static (ExitCode Code, string Kind, string Message) Describe(Exception error) => error switch
    {
        OperationCanceledException => (ExitCode.Cancelled, "cancelled", "cancelled"),
        TemplateRaisedException refused => (refused.ExitCode, KindOf(refused.ExitCode), $"{refused.Origin}, line {refused.Line}: the chat template refuses this conversation: {refused.Message}"),
        DecantException known => (known.ExitCode, KindOf(known.ExitCode), known.Message),
        // Full disks and missing rights reach here from writers; the system's own message names the path.
        IOException or UnauthorizedAccessException => (ExitCode.BadFile, KindOf(ExitCode.BadFile), error.Message),
        OutOfMemoryException => (ExitCode.LimitNotMet, KindOf(ExitCode.LimitNotMet), "the system gave no more memory. Use a shorter context (--context), smaller keys and values (--cache-type q8_0), fewer threads or a smaller model, or raise the limit of this process (ulimit -v)."),
        AggregateException { InnerException: { } inner } => Describe(inner),
        _ => (ExitCode.Bug, KindOf(ExitCode.Bug), $"unexpected {error.GetType().Name}: {error.Message}"),
    };

    private static string KindOf(ExitCode code) => code switch
    {
        ExitCode.Usage => "usage",
        ExitCode.BadFile => "bad_file",
        ExitCode.NotSupported => "not_supported",
        ExitCode.Numerical => "numerical",
        ExitCode.LimitNotMet => "limit_not_met",
        ExitCode.Cancelled => "cancelled",
        _ => "bug",
    };
}
