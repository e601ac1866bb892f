using System.Diagnostics;

namespace Decant.Testing;

/// <summary>The <c>decant</c> program that was built beside the running test assembly.</summary>
public static class BuiltProgram
{
    /// <summary>How to start it, with all three streams redirected.</summary>
    public static ProcessStartInfo StartInfo(params string[] args)
    {
        string program = Path.Combine(AppContext.BaseDirectory, OperatingSystem.IsWindows() ? "decant.exe" : "decant");
        var start = new ProcessStartInfo(program) { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string arg in args)
            start.ArgumentList.Add(arg);
        return start;
    }

    /// <summary>Starts it and waits for its end.</summary>
    public static (int ExitCode, string Output, string Error) Run(ProcessStartInfo start)
    {
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output, error.Result);
    }
}
