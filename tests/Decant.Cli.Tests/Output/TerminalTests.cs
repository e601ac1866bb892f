using Decant.Cli.Output;
using Decant.Core.Measurement;

namespace Decant.Cli.Tests.Output;

public sealed class TerminalTests
{
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(false, false)]
    public void Without_a_terminal_or_with_NO_COLOR_nothing_is_drawn(bool isTerminal, bool allowsColor)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var terminal = new Terminal { Input = TextReader.Null, Output = output, Error = error, OutputIsTerminal = isTerminal, ErrorIsTerminal = isTerminal, AllowsColor = allowsColor, Width = 80 };
        int result = new ProgressDisplay(terminal).Run(progress =>
        {
            Assert.NotNull(progress);
            progress.Report(new WorkProgress("encode", 1, 2, "bytes", "a [tensor] name"));
            return 7;
        });
        TextOutput.Write(terminal, console => console.Write(TextOutput.CreateFacts([("name", "[value] ")])));
        Assert.Equal(7, result);
        Assert.DoesNotContain('\u001b', error.ToString() + output);
        Assert.Contains("[value]", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void On_a_terminal_work_runs_under_a_bar_and_its_result_and_errors_come_through()
    {
        using var error = new StringWriter();
        var terminal = new Terminal { Input = TextReader.Null, Output = TextWriter.Null, Error = error, ErrorIsTerminal = true, AllowsColor = true, Width = 80 };
        int result = new ProgressDisplay(terminal).Run(progress =>
        {
            for (int i = 0; i <= 10; i++)
                progress!.Report(new WorkProgress("encode", i, 10, "bytes", $"a [tensor] {i}", TimeSpan.FromSeconds(10 - i)));
            progress!.Report(new WorkProgress("verify", 0, 0, "tokens"));
            return 7;
        });
        Assert.Equal(7, result);
        Assert.Throws<InvalidOperationException>(() => new ProgressDisplay(terminal).Run<int>(_ => throw new InvalidOperationException()));
    }

    [Fact]
    public void Quiet_runs_say_nothing_but_the_result()
    {
        CommandRun run = CommandRun.Succeed("plan", SharedModels.Stories, "--to", "q4_0", "--no-verify", "--quiet");
        Assert.Empty(run.Error);
        Assert.NotEmpty(run.Output);
        Assert.NotEmpty(CommandRun.Succeed("plan", SharedModels.Stories, "--to", "q4_0", "--no-verify").Error);
    }
}
