namespace Decant.Cli.Tests;

/// <summary>The built program itself: what a test inside one process cannot see.</summary>
public sealed class ProgramTests
{
    [Fact]
    public void The_program_starts_and_says_its_version()
    {
        CommandRun run = CommandRun.OfProcess("--version");
        Assert.Equal(0, run.ExitCode);
        Assert.StartsWith("decant ", run.Output, StringComparison.Ordinal);
        Assert.Empty(run.Error);
    }

    [Fact]
    public void Exit_codes_reach_the_shell()
    {
        Assert.Equal(2, CommandRun.OfProcess("nonsense").ExitCode);
        Assert.Equal(0, CommandRun.OfProcess("list", "formats", "--json").ExitCode);
    }
}
