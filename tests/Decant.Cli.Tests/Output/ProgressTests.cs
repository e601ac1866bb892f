using Decant.Cli.Output;
using Decant.Core.Measurement;

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

    private sealed class ManualClock : TimeProvider
    {
        private long now;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => now;

        public void Advance(TimeSpan time) => now += time.Ticks;
    }
}
