using Decant.Core.Measurement;

namespace Decant.Core.Tests.Measurement;

public sealed class ByteCountTextTests
{
    [Theory]
    [InlineData(0, "0 bytes")]
    [InlineData(1, "1 byte")]
    [InlineData(999, "999 bytes")]
    [InlineData(1000, "1.0 kB")]
    [InlineData(49_949, "49.9 kB")]
    [InlineData(999_949, "999.9 kB")]
    [InlineData(999_950, "1.0 MB")]
    [InlineData(144_811_104, "144.8 MB")]
    [InlineData(5_000_000_000, "5.0 GB")]
    [InlineData(4_000_000_000_000_000, "4000.0 TB")]
    public void The_unit_fits_the_number(long byteCount, string expected) => Assert.Equal(expected, ByteCountText.Of(byteCount));
}
