using System.Collections;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Decant.Bench;

/// <summary>What stands at the top of every result: the command that made it, and what it depends on beside the command.</summary>
internal static partial class ResultHead
{
    // What is built: a table that was just written is no change of the program.
    private static readonly string[] built = [":(top)", ":(top,exclude)bench/results", ":(top,exclude)docs"];

    /// <summary>The lines of the head, Markdown.</summary>
    /// <param name="command">What was run, from the repository's root.</param>
    /// <param name="sides">The programs compared; null if nothing but this build is measured.</param>
    /// <param name="threadCounts">Thread counts asked for; none if nothing is timed.</param>
    /// <param name="files">Models and texts.</param>
    public static IEnumerable<string> Lines(string command, Sides? sides, IReadOnlyCollection<int> threadCounts, IEnumerable<string> files)
    {
        yield return "    " + command;
        yield return "";
        string measured = sides is null ? "" : $"; the program measured is {sides.Decant.Version()}";
        yield return $"- {TimeProvider.System.GetUtcNow():yyyy-MM-dd}, commit {Commit()}{measured}";
        yield return $"- .NET {Environment.Version} (SDK {Run("dotnet", "--version")}), {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} processors";
        if (sides is not null)
            yield return "- llama.cpp: " + string.Join(", ", PeerFacts(sides.Peer));
        yield return "- environment: " + EnvironmentOf(sides);
        if (threadCounts.Count > 0)
            yield return "- threads: " + string.Join(", ", threadCounts);
        foreach (string file in files)
            yield return string.Create(CultureInfo.InvariantCulture, $"- `{Path.GetFileName(file)}`: {new FileInfo(file).Length:N0} bytes");
        yield return "";
    }

    /// <summary>A command line that a shell would take apart into these arguments. Folders of this machine are left out.</summary>
    public static string CommandLine(string program, IEnumerable<string> arguments) =>
        string.Join(' ', arguments.Select(Portable).Select(Quoted).Prepend(program));

    private static string Portable(string argument)
    {
        if (!Path.IsPathFullyQualified(argument))
            return argument;
        string relative = Path.GetRelativePath(Environment.CurrentDirectory, argument);
        return relative.StartsWith("..", StringComparison.Ordinal) ? Path.GetFileName(Path.TrimEndingDirectorySeparator(argument)) : relative;
    }

    private static string Quoted(string argument) => Plain().IsMatch(argument) ? argument : $"'{argument.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static string Commit()
    {
        string changes = Run("git", ["status", "--porcelain", "--", .. built]);
        return Run("git", "rev-parse", "--short", "HEAD") + (changes.Length > 0 ? "+changes" : "");
    }

    private static string EnvironmentOf(Sides? sides)
    {
        IEnumerable<string> parts = [Listed("", Inherited())];
        if (sides is not null)
            parts = parts.Append(Listed("Decant: ", sides.Decant.Variables)).Append(Listed("llama.cpp: ", sides.Peer.Variables));
        string all = string.Join("; ", parts.Where(part => part.Length > 0));
        return all.Length > 0 ? all : "nothing of `DOTNET_*` or `PEER_*` is set";
    }

    private static string Listed(string whose, IEnumerable<KeyValuePair<string, string>> variables)
    {
        string[] assignments = [.. variables.Select(variable => $"`{variable.Key}={variable.Value}`").Order(StringComparer.Ordinal)];
        return assignments.Length == 0 ? "" : whose + string.Join(' ', assignments);
    }

    private static IEnumerable<KeyValuePair<string, string>> Inherited() => Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Select(entry => KeyValuePair.Create((string)entry.Key, (string?)entry.Value ?? "")).Where(variable => Setting().IsMatch(variable.Key));

    private static IEnumerable<string> PeerFacts(Tool peer) => peer.RunForText("info").Split('\n')
        .Where(line => line.StartsWith("llama.cpp", StringComparison.Ordinal) || line.StartsWith("cpu backend", StringComparison.Ordinal))
        .Select(line => Spaces().Replace(line.Split(' ', 2)[1].Replace("backend", "", StringComparison.Ordinal).Trim(), " "));

    // "unknown" where there is no such program or no repository: the figures are worth keeping all the same.
    private static string Run(string program, params string[] arguments)
    {
        try
        {
            return new Tool(program, folder: AppContext.BaseDirectory).RunForText(arguments).Trim();
        }
        catch (Exception e) when (e is System.ComponentModel.Win32Exception or InvalidOperationException)
        {
            return "unknown";
        }
    }

    // Settings of the runtime have small letters in their names, those of the dotnet command (DOTNET_NOLOGO, DOTNET_ROOT) have none.
    [GeneratedRegex("^(PEER_.*|DOTNET_[A-Za-z0-9_]*[a-z][A-Za-z0-9_]*)$")]
    private static partial Regex Setting();

    [GeneratedRegex(@"^[A-Za-z0-9_./=:,+%{}@-]+$")]
    private static partial Regex Plain();

    [GeneratedRegex(" +")]
    private static partial Regex Spaces();
}
