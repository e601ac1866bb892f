using System.Diagnostics;
using Xunit;

namespace Decant.Testing;

/// <summary>
/// The llama.cpp that results are compared with: <c>$DECANT_PEER</c> names the driver program built by <c>shared/peer/build.sh</c>
/// (default: <c>decant-peer/peer</c> in the temporary folder), <c>$DECANT_PEER_LIBRARIES</c> the folder of its libraries.
/// </summary>
public static class Peer
{
    private static readonly string? program = Find(
        Environment.GetEnvironmentVariable("DECANT_PEER"), Path.Combine(Path.GetTempPath(), "decant-peer", "peer"));

    private static readonly string? libraries = Find(
        Environment.GetEnvironmentVariable("DECANT_PEER_LIBRARIES"),
        Path.Combine(Path.GetTempPath(), "llama", "node_modules", "@node-llama-cpp", "linux-x64", "bins", "linux-x64"));

    /// <summary>The driver program; skips the running test if it is absent.</summary>
    public static string RequireProgram()
    {
        Assert.SkipWhen(program is null, "needs the llama.cpp driver (run shared/peer/build.sh or set DECANT_PEER)");
        return program!;
    }

    /// <summary>The path of libggml-base.so; skips the running test if it is absent.</summary>
    public static string RequireGgmlBase()
    {
        string? path = libraries is null ? null : Path.Combine(libraries, "libggml-base.so");
        Assert.SkipUnless(path is not null && File.Exists(path), "needs libggml-base.so (run shared/peer/install.sh or set DECANT_PEER_LIBRARIES)");
        return path!;
    }

    /// <summary>Runs the driver; fails the test on a non-zero exit code. Returns standard output.</summary>
    public static string Run(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(RequireProgram()) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (string argument in arguments)
            start.ArgumentList.Add(argument);
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"peer {string.Join(' ', start.ArgumentList)} failed: {error.Result}");
        return output;
    }

    /// <summary>llama.cpp's logits of a text, [tokens * vocabulary], with caches in single precision and plain attention.</summary>
    public static float[] Logits(TemporaryFolder files, string model, IEnumerable<long> ids)
    {
        string idFile = files.Write("ids.txt", System.Text.Encoding.ASCII.GetBytes(string.Join(' ', ids)));
        Run(["logits", model, idFile, files["out.f32"], "1"], new Dictionary<string, string> { ["PEER_KV"] = "f32", ["PEER_FA"] = "off" });
        return System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(files["out.f32"])).ToArray();
    }

    private static string? Find(string? configured, string fallback)
    {
        string path = string.IsNullOrEmpty(configured) ? fallback : configured;
        return File.Exists(path) || Directory.Exists(path) ? path : null;
    }
}
