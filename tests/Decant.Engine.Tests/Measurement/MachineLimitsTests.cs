using Decant.Core.Errors;
using Decant.Engine.Kernels;
using Decant.Engine.Measurement;

namespace Decant.Engine.Tests.Measurement;

/// <summary>The limits are speeds, so little can be asserted but that they exist and are of a sensible size.</summary>
public class MachineLimitsTests
{
    [Fact]
    public void Every_level_that_runs_here_has_limits()
    {
        foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
        {
            MachineLimits limits = MachineLimits.Measure(1, set.Name, TestContext.Current.CancellationToken);
            Assert.InRange(limits.MemoryBytesPerSecond, 1e8, 1e13);
            Assert.InRange(limits.SingleOperationsPerSecond, 1e8, 1e13);
            if (set != InstructionSet.Scalar)
                Assert.InRange(limits.ByteOperationsPerSecond, 1e8, 1e14);
            else
                Assert.Equal(0, limits.ByteOperationsPerSecond);
        }
    }

    [Fact]
    public void An_unknown_level_and_a_cancelled_measurement_are_refused()
    {
        Assert.Throws<UsageException>(() => MachineLimits.Measure(1, "neverland", TestContext.Current.CancellationToken));
        using var cancelled = new CancellationTokenSource();
        cancelled.Cancel();
        Assert.Throws<OperationCanceledException>(() => MachineLimits.Measure(1, null, cancelled.Token));
    }
}
