using System.Globalization;
using System.Text.RegularExpressions;

namespace Decant.Bench;

/// <summary>What the machine can do at the moment: read with the peer's own probes before and after every comparison.</summary>
internal sealed class Machine(string peerFolder)
{
    /// <summary>The processor's name with spaces as dashes, for the results folder.</summary>
    public static string CpuName
    {
        get
        {
            string? line = File.Exists("/proc/cpuinfo") ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal)) : null;
            string name = line?.Split(':', 2)[1].Trim() ?? System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture.ToString();
            string model = File.Exists("/proc/cpuinfo")
                ? File.ReadLines("/proc/cpuinfo").FirstOrDefault(l => l.StartsWith("model\t", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? ""
                : "";
            return Regex.Replace($"{name} model {model}", "[^A-Za-z0-9]+", "-").Trim('-').ToLowerInvariant();
        }
    }

    /// <summary>Memory read bandwidth in GB/s (membw T 2048 15 1 0).</summary>
    public double MemoryBandwidth(int threads) =>
        Number(new Tool(Path.Combine(peerFolder, "membw")).RunForText($"{threads}", "2048", "15", "1", "0"), @"median ([\d.]+)");

    /// <summary>Single-precision multiply-add limit in GFLOP/s and 8-bit dot limit in GOP/s.</summary>
    public (double Gflops, double Gops) Peak(int threads)
    {
        string text = new Tool(Path.Combine(peerFolder, "peak")).RunForText($"{threads}");
        return (Number(text, @"FMA ([\d.]+)"), Number(text, @"\(VNNI\) ([\d.]+)"));
    }

    private static double Number(string text, string pattern)
    {
        Match match = Regex.Match(text, pattern);
        return match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : double.NaN;
    }
}
