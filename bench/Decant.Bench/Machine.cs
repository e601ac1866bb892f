using System.Globalization;
using System.Text.RegularExpressions;
using Decant.Engine.Measurement;

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

    /// <summary>Single-precision multiply-add limit in GFLOP/s and limit of 8-bit products in GOP/s, and which program read them.</summary>
    /// <remarks>The peer's <c>peak</c> exists for processors with AVX-512 alone; on others Decant's own reading stands for it, with the widest vectors there are.</remarks>
    public (double Gflops, double Gops, string Program) Peak(int threads)
    {
        string program = Path.Combine(peerFolder, "peak");
        if (!File.Exists(program))
        {
            MachineLimits limits = MachineLimits.Measure(threads);
            return (limits.SingleOperationsPerSecond / 1e9, limits.ByteOperationsPerSecond / 1e9, "Decant's own reading");
        }
        string text = new Tool(program).RunForText($"{threads}");
        return (Number(text, @"FMA ([\d.]+)"), Number(text, @"\(VNNI\) ([\d.]+)"), "`peak`");
    }

    private static double Number(string text, string pattern)
    {
        Match match = Regex.Match(text, pattern);
        return match.Success ? double.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : double.NaN;
    }
}
