using System.Diagnostics;
using System.Text.Json;
using Decant.Testing;

namespace Decant.Cli.Tests;

/// <summary>Runs the command line in this process, or as the built program, and keeps what it said.</summary>
internal sealed record CommandRun(int ExitCode, string Output, string Error)
{
    /// <summary>Standard output as one JSON document; fails if it is anything else.</summary>
    public JsonElement Json
    {
        get
        {
            using JsonDocument document = JsonDocument.Parse(Output);
            return document.RootElement.Clone();
        }
    }

    /// <summary>Standard output as one JSON document a line.</summary>
    public JsonElement[] JsonLines => [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line =>
    {
        using JsonDocument document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    })];

    public static CommandRun Of(params string[] args) => WithInput("", args);

    public static CommandRun WithInput(string input, params string[] args) => Of(args, input, TestContext.Current.CancellationToken);

    public static CommandRun Of(string[] args, string input, CancellationToken cancellationToken, Action<string>? onOutput = null)
    {
        using var output = new ObservedWriter(onOutput);
        using var error = new ObservedWriter(onOutput);
        int exitCode = Program.Run(args, new Terminal { Input = new StringReader(input), Output = output, Error = error }, cancellationToken);
        return new CommandRun(exitCode, output.ToString(), error.ToString());
    }

    /// <summary>Runs and fails the test unless the exit code is 0.</summary>
    public static CommandRun Succeed(params string[] args)
    {
        CommandRun run = Of(args);
        Assert.True(run.ExitCode == 0, $"decant {string.Join(' ', args)} ended with {run.ExitCode}:\n{run.Error}{run.Output}");
        return run;
    }

    /// <summary>The built program beside the test assembly's own build.</summary>
    public static ProcessStartInfo StartInfo(params string[] args) => BuiltProgram.StartInfo(args);

    /// <summary>Runs the built program to its end.</summary>
    public static CommandRun OfProcess(params string[] args) => OfProcess(StartInfo(args));

    /// <summary>Runs the built program to its end.</summary>
    public static CommandRun OfProcess(ProcessStartInfo start)
    {
        (int exitCode, string output, string error) = BuiltProgram.Run(start);
        return new CommandRun(exitCode, output, error);
    }

    private sealed class ObservedWriter(Action<string>? observer) : StringWriter(System.Globalization.CultureInfo.InvariantCulture)
    {
        public override void Write(string? value)
        {
            lock (this)
                base.Write(value);
            observer?.Invoke(value ?? "");
        }

        public override void WriteLine(string? value) => Write(value + "\n");
    }
}
