using Decant.Cli.Output;

namespace Decant.Cli.Tests.Output;

public sealed class QuantitiesTests
{
    [Fact]
    public void Numbers_read_well()
    {
        Assert.Equal(["0 B", "1023 B", "1.0 KiB", "138.1 MiB", "8.0 GiB"], new long[] { 0, 1023, 1024, 144_811_104, 1L << 33 }.Select(Quantities.Bytes));
        Assert.Equal(["9,999", "260.0 k", "134.5 M", "4.02 B"], new long[] { 9999, 260_032, 134_515_008, 4_022_000_000 }.Select(Quantities.Parameters));
        Assert.Equal(["0.3 s", "42 s", "3 min 05 s", "26 h 10 min"],
            new[] { 0.3, 42, 185, 94_200 }.Select(seconds => Quantities.Duration(TimeSpan.FromSeconds(seconds))));
        Assert.Equal("97.3 %", Quantities.Percent(0.9731));
    }
}
