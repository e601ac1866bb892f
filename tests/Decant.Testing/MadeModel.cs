using System.Diagnostics;
using Xunit;

namespace Decant.Testing;

/// <summary>Models of random weights that the shared folder's script makes: real shapes, any size.</summary>
public static class MadeModel
{
    /// <summary>Runs <c>make_gguf.py</c> of the shared folder; skips the running test without it or without python3.</summary>
    public static void Make(string path, params string[] arguments)
    {
        string script = SharedFiles.Require("peer", "make_gguf.py");
        var start = new ProcessStartInfo("python3") { RedirectStandardError = true, Environment = { ["PYTHONDONTWRITEBYTECODE"] = "1" } };
        foreach (string argument in (string[])[script, arguments[0], path, .. arguments[1..]])
            start.ArgumentList.Add(argument);
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Assert.Skip("needs python3");
            throw;
        }
        using (process)
        {
            string error = process.StandardError.ReadToEnd();
            process.WaitForExit();
            Assert.True(process.ExitCode == 0, error);
        }
    }
}
