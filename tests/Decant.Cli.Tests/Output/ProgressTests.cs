using Decant.Cli.Output;
using Decant.Core.Measurement;
using Spectre.Console;

namespace Decant.Cli.Tests.Output;

public sealed class ProgressTests
{
    [Fact]
    public void Lines_come_every_few_seconds_with_share_and_time_left()
    {
        var clock = new ManualClock();
        using var output = new StringWriter();
        var progress = new LineProgress(output, clock);
        for (int second = 0; second <= 20; second++)
        {
            progress.Report(new WorkProgress("encode", second * 1000, 40_000, "tokens", "blk.0.attn_q.weight"));
            clock.Advance(TimeSpan.FromSeconds(1));
        }
        string[] lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(4, lines.Length);
        Assert.Equal("encode: 12 % (5,000 of 40,000 tokens), 35 s left, blk.0.attn_q.weight", lines[0]);
        Assert.Equal("encode: 50 % (20,000 of 40,000 tokens), 20 s left, blk.0.attn_q.weight", lines[3]);
    }

    [Fact]
    public void Downloads_say_how_fast_they_are()
    {
        var value = new WorkProgress("download", 3 << 20, 12 << 20, "bytes", "model.safetensors", TimeSpan.FromSeconds(9), 1 << 20);
        Assert.Equal("download: 25 % (3.0 MiB of 12.0 MiB), 1.0 MiB/s, 9.0 s left, model.safetensors", LineProgress.Describe(value, value.TimeLeft));
    }

    [Fact]
    public void Short_work_prints_nothing()
    {
        using var output = new StringWriter();
        var progress = new LineProgress(output, new ManualClock());
        progress.Report(new WorkProgress("read", 10, 10, "bytes"));
        Assert.Empty(output.ToString());
    }

    [Fact]
    public void A_new_stage_starts_its_own_estimate_and_a_given_one_wins()
    {
        var clock = new ManualClock();
        var estimate = new TimeLeftEstimate(clock);
        Assert.Null(estimate.Update(new WorkProgress("a", 0, 100, "x")));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(10), estimate.Update(new WorkProgress("a", 50, 100, "x")));
        Assert.Null(estimate.Update(new WorkProgress("b", 0, 100, "x")));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(TimeSpan.FromSeconds(90), estimate.Update(new WorkProgress("b", 10, 100, "x")));
        Assert.Equal(TimeSpan.FromSeconds(3), estimate.Update(new WorkProgress("b", 20, 100, "x", null, TimeSpan.FromSeconds(3))));
        Assert.Null(estimate.Update(new WorkProgress("b", 20, 0, "x")));
    }

    [Fact]
    public void No_escape_codes_reach_a_stream_that_is_no_terminal()
    {
        CommandRun run = CommandRun.Succeed("list", "formats");
        Assert.DoesNotContain('\u001b', run.Output);
        Assert.DoesNotContain('\u001b', run.Error);
        Assert.All(run.Output.Split('\n'), line => Assert.Equal(line.TrimEnd(), line));
    }

    [Fact]
    public void A_notice_stands_above_the_bar_and_both_are_whole()
    {
        using var error = new StringWriter();
        var terminal = new Terminal { Input = TextReader.Null, Output = TextWriter.Null, Error = error, ErrorIsTerminal = true, AllowsColor = true, Width = 60 };
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.Yes, Interactive = InteractionSupport.Yes, Out = new AnsiConsoleOutput(error) });
        console.Profile.Width = 60;
        var display = new ProgressDisplay(terminal, console);
        string notice = "the connection broke: " + string.Join('/', Enumerable.Range(0, 20).Select(i => $"part{i}"));
        ScreenText screen = null!;
        int result = display.Run(progress =>
        {
            for (int i = 0; i < 6; i++)
            {
                progress!.Report(new WorkProgress("download", i, 6, "files", "a.bin"));
                Thread.Sleep(150);
                if (i % 3 == 1)
                    display.WriteLine($"{i}: {notice}");
            }
            Thread.Sleep(300);
            screen = ScreenText.Of(error.ToString(), 60);
            return 7;
        });
        Assert.Equal(7, result);
        display.WriteLine("end");
        string drawn = string.Join('\n', screen.Lines);
        Assert.Contains("download", screen.Lines.Single(line => line.Contains('%', StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.StartsWith("download", screen.Lines.Last(line => line.Trim().Length > 0), StringComparison.Ordinal);
        // A long line wraps where the terminal is at its end, nowhere else.
        string wrapped(string line) => string.Join('\n', line.Chunk(60).Select(part => new string(part)));
        Assert.Contains(wrapped($"1: {notice}") + "\n" + wrapped($"4: {notice}") + "\n", drawn, StringComparison.Ordinal);
        string[] left = [.. ScreenText.Of(error.ToString(), 60).Lines.Where(line => line.Trim().Length > 0)];
        Assert.Equal((wrapped($"1: {notice}") + "\n" + wrapped($"4: {notice}") + "\nend").Split('\n'), left);
    }

    private sealed class ManualClock : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan time) => now += time.Ticks;
    }
}
