using System.Diagnostics;
using Decant.Core.Errors;

namespace Decant.Cli.Tests;

/// <summary>What the program does with a model that is larger than the memory it may take.</summary>
public sealed class MemoryLimitTests
{
    // Less than the model file has; the runtime and a short context take some 110 MB of it.
    private const long LimitByteCount = 140_000L * 1024;

    /// <summary>The limit is on data of the process (setrlimit's RLIMIT_DATA): heaps, buffers and stacks, not maps of files.</summary>
    [Fact]
    public void A_model_larger_than_the_memory_runs_from_the_map_and_a_copy_asked_for_is_refused()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "needs ulimit -d of Linux");
        Assert.InRange(new FileInfo(SharedModels.SmolLm).Length, LimitByteCount + 1, long.MaxValue);
        string[] run = ["run", SharedModels.SmolLm, "The capital of France is", "--threads", "2", "--arithmetic", "fast", "--quiet"];
        string[] few = ["-n", "6", "--context", "64"];

        CommandRun free = CommandRun.OfProcess([.. run, .. few, "--weights", "copy"]);
        Assert.True(free.ExitCode == 0, free.Error);
        Assert.Contains("Paris", free.Output, StringComparison.Ordinal);
        CommandRun mapped = Limited([.. run, .. few, "--weights", "map"]);
        Assert.True(mapped.ExitCode == 0, mapped.Error);
        Assert.Contains("Paris", mapped.Output, StringComparison.Ordinal);
        // Of so many tokens a copy would be made, were there room.
        CommandRun automatic = Limited([.. run, "-n", "100", "--context", "128", "--weights", "auto"]);
        Assert.True(automatic.ExitCode == 0, automatic.Error);
        Assert.Contains("Paris", automatic.Output, StringComparison.Ordinal);
        CommandRun copied = Limited([.. run, .. few, "--weights", "copy"]);
        Assert.Equal((int)ExitCode.LimitNotMet, copied.ExitCode);
        Assert.Contains("A copy of the weights needs", copied.Error, StringComparison.Ordinal);
        Assert.Contains("--weights map", copied.Error, StringComparison.Ordinal);
    }

    private static CommandRun Limited(string[] args)
    {
        ProcessStartInfo start = CommandRun.StartInfo(args);
        foreach (string argument in new[] { start.FileName, FormattableString.Invariant($"ulimit -d {LimitByteCount / 1024} && exec \"$0\" \"$@\""), "-c" })
            start.ArgumentList.Insert(0, argument);
        start.FileName = "bash";
        // New objects get as much room as the cache of the machine at hand has, if nothing is said.
        start.Environment["DOTNET_GCgen0size"] = "0x400000";
        return CommandRun.OfProcess(start);
    }
}
