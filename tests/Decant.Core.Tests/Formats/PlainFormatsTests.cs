using System.Runtime.InteropServices;
using Decant.Core.Formats;

namespace Decant.Core.Tests.Formats;

public sealed class PlainFormatsTests
{
    [Theory]
    [InlineData("I8", -128, 127)]
    [InlineData("U8", 0, 255)]
    [InlineData("I16", -32768, 32767)]
    [InlineData("I32", -2147483648f, 2147483520f)]
    [InlineData("I64", -9223372036854775808f, 9223371487098961920f)]
    public void Integers_keep_their_range_round_half_to_even_and_refuse_the_rest(string name, float smallest, float largest)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        float[] values = [smallest, largest, 0, 1, 100, 2.5f, 3.5f];
        byte[] bytes = new byte[format.BlockByteCount * values.Length];
        format.EncodeRow(values, default, bytes);
        float[] back = new float[values.Length];
        format.DecodeRow(bytes, back);
        Assert.Equal([smallest, largest, 0, 1, 100, 2, 4], back);
        byte[] one = new byte[format.BlockByteCount];
        foreach (float outside in (float[])[smallest * 2 - 1, largest * 2 + 1, float.NaN, float.PositiveInfinity])
            Assert.Throws<OverflowException>(() => format.EncodeRow([outside], default, one));
    }

    [Fact]
    public void Integers_are_stored_little_endian_in_twos_complement()
    {
        byte[] bytes = new byte[8];
        TensorFormats.FindByName("I64")!.EncodeRow([-2], default, bytes);
        Assert.Equal(-2, MemoryMarshal.Read<long>(bytes));
        TensorFormats.FindByName("I16")!.EncodeRow([258], default, bytes.AsSpan(0, 2));
        Assert.Equal([2, 1], bytes[..2]);
    }

    [Fact]
    public void Doubles_are_rounded_to_single_when_read()
    {
        byte[] bytes = MemoryMarshal.AsBytes((double[])[Math.PI, 1e300, -1e-320]).ToArray();
        float[] values = new float[3];
        TensorFormats.FindByName("F64")!.DecodeRow(bytes, values);
        Assert.Equal([(float)Math.PI, float.PositiveInfinity, -0f], values);
        byte[] back = new byte[8];
        TensorFormats.FindByName("F64")!.EncodeRow([0.1f], default, back);
        Assert.Equal((double)0.1f, MemoryMarshal.Read<double>(back));
    }

    [Fact]
    public void Booleans_are_zero_or_one()
    {
        float[] values = new float[3];
        TensorFormats.FindByName("BOOL")!.DecodeRow([0, 1, 7], values);
        Assert.Equal([0, 1, 1], values);
        byte[] bytes = new byte[3];
        TensorFormats.FindByName("BOOL")!.EncodeRow([0, -2, 0.5f], default, bytes);
        Assert.Equal([0, 1, 1], bytes);
    }
}
