using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>A program under comparison, run as a process of its own so that neither side shares the other's memory or threads.</summary>
/// <param name="program">Its path.</param>
/// <param name="environment">Variables that it gets beside those of this process.</param>
/// <param name="folder">Where it runs; null: where this process does.</param>
internal sealed class Tool(string program, IReadOnlyDictionary<string, string>? environment = null, string? folder = null)
{
    /// <summary>Variables that it gets beside those of this process.</summary>
    public IReadOnlyDictionary<string, string> Variables { get; } = environment ?? new Dictionary<string, string>();

    /// <summary>What its last run took of memory at most, as far as the system tells.</summary>
    public MemoryPeak Memory { get; private set; }

    /// <summary>The same program with these variables too.</summary>
    public Tool With(IReadOnlyDictionary<string, string> variables) => new(program, Variables.Concat(variables).GroupBy(pair => pair.Key).ToDictionary(same => same.Key, same => same.Last().Value), folder);

    /// <summary>Its version with the commit it was built from; where there is no assembly beside it, what it says itself.</summary>
    public string Version()
    {
        string assembly = Path.ChangeExtension(program, ".dll");
        string? version = File.Exists(assembly) ? FileVersionInfo.GetVersionInfo(assembly).ProductVersion : null;
        return version is null ? RunForText("--version").Trim() : $"{Path.GetFileName(program)} {version}";
    }

    /// <summary>Runs it and returns the JSON object on its last line (llama.cpp's driver) or on all of standard output (Decant).</summary>
    public JsonObject Run(params string[] arguments)
    {
        string output = RunForText(arguments).TrimEnd();
        int lastLine = output.LastIndexOf('\n') + 1;
        string json = output.StartsWith('{') ? output : output[lastLine..];
        return JsonNode.Parse(json)?.AsObject() ?? throw new InvalidOperationException($"{program}: no JSON in {output}");
    }

    /// <summary>Runs it and returns standard output.</summary>
    public string RunForText(params string[] arguments)
    {
        if (program.Contains(Path.DirectorySeparatorChar, StringComparison.Ordinal) && !File.Exists(program))
            throw new FileNotFoundException($"There is no program {program}: shared/peer/build.sh builds llama.cpp's, `dotnet build src/Decant.Cli -c Release` and scripts/publish.sh Decant's.");
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        if (folder is not null)
            start.WorkingDirectory = folder;
        foreach ((string key, string value) in Variables)
            start.Environment[key] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        using var ended = new CancellationTokenSource();
        Task<MemoryPeak> memory = MemoryPeak.WatchAsync(process, ended.Token);
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        // Whoever takes the time of a run must not wait for the next look at its memory.
        ended.Cancel();
        Memory = memory.Result;
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{error.Result}");
        return output;
    }
}
