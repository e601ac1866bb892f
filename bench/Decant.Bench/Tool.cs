using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Decant.Bench;

/// <summary>A program under comparison, run as a process of its own so that neither side shares the other's memory or threads.</summary>
internal sealed class Tool(string program, IReadOnlyDictionary<string, string>? environment = null)
{
    /// <summary>The same program with other environment variables.</summary>
    public Tool With(IReadOnlyDictionary<string, string> variables) => new(program, variables);

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
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: exit code {process.ExitCode}\n{error.Result}");
        return output;
    }
}
