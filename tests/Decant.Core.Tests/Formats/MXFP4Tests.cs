using Decant.Core.Formats;

namespace Decant.Core.Tests.Formats;

public sealed class MXFP4Tests
{
    [Fact]
    public void Exponents_near_powers_of_two_are_those_of_the_C_library()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "compares with glibc's log2f, which the reference calls");
        int roundedUp = 0;
        for (int exponent = -126; exponent <= 127; exponent++)
        {
            int power = BitConverter.SingleToInt32Bits(MathF.ScaleB(1, exponent));
            for (int offset = -64; offset <= 64; offset++)
            {
                float value = BitConverter.Int32BitsToSingle(power + offset);
                int expected = (int)MathF.Floor(MathF.Log2(value));
                Assert.True(expected == MXFP4Format.FloorLog2(value), $"{value:R}");
                roundedUp += offset < 0 && expected == exponent ? 1 : 0;
            }
        }
        Assert.True(roundedUp > 100); // values below a power of two whose rounded logarithm reaches it
    }

    [Fact]
    public void Shared_exponents_are_powers_of_two_halved()
    {
        for (int e = 0; e < 255; e++)
            Assert.Equal(Math.ScaleB(1, e - 128), MXFP4Format.HalfPowerOfTwo((byte)e));
    }
}
