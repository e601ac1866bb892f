using Decant.Core.Formats;
using Decant.Testing;

namespace Decant.Core.Tests.Formats;

public sealed class SmallFloatTests
{
    private static SafetensorsFixture Fixture => new(SharedFiles.Require("fixtures", "methods", "float_formats", "e4m3.safetensors"));

    [Fact]
    public void E4m3_decodes_every_code_as_torch_does()
    {
        SafetensorsFixture fixture = Fixture;
        ReadOnlySpan<float> expected = fixture.Singles("values");
        ReadOnlySpan<byte> codes = fixture.Bytes("bytes");
        long[] isNaN = fixture.Integers("is_nan");
        Assert.Equal(256, codes.Length);
        var values = new float[256];
        TensorFormats.FindByName("F8_E4M3")!.DecodeRow(codes, values);
        for (int i = 0; i < 256; i++)
        {
            if (isNaN[i] != 0)
                Assert.True(float.IsNaN(values[i]));
            else
                Assert.Equal(BitConverter.SingleToInt32Bits(expected[i]), BitConverter.SingleToInt32Bits(values[i]));
        }
    }

    [Fact]
    public void E4m3_encodes_as_torch_does_after_clamping()
    {
        SafetensorsFixture fixture = Fixture;
        ReadOnlySpan<float> values = fixture.Singles("encode.values");
        byte[] codes = new byte[values.Length];
        TensorFormats.FindByName("F8_E4M3")!.EncodeRow(values, default, codes);
        Assert.Equal(fixture.Bytes("encode.bytes").ToArray(), codes);
    }

    [Fact]
    public void E5m2_is_the_upper_byte_of_a_half()
    {
        for (int code = 0; code < 256; code++)
        {
            var half = (float)BitConverter.UInt16BitsToHalf((ushort)(code << 8));
            float value = F8E5M2Format.Decode((byte)code);
            Assert.True(half.Equals(value));
            if (!float.IsNaN(value))
                Assert.Equal(code, F8E5M2Format.Encode(value));
        }
        Assert.Equal(0x7F, F8E5M2Format.Encode(float.NaN) & 0x7F);
    }

    [Theory]
    [InlineData("F8_E4M3", 0x7E)]
    [InlineData("F8_E5M2", 0x7B)]
    public void Rounding_is_to_nearest_and_ties_go_to_the_even_code(string name, int largest)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        for (int code = 0; code < largest; code++)
        {
            float[] pair = new float[2];
            format.DecodeRow([(byte)code, (byte)(code + 1)], pair);
            float middle = pair[0] + (pair[1] - pair[0]) / 2;
            float[] values = [pair[0], MathF.BitDecrement(middle), middle, MathF.BitIncrement(middle), pair[1], -middle];
            byte[] codes = new byte[values.Length];
            format.EncodeRow(values, default, codes);
            int even = code % 2 == 0 ? code : code + 1;
            Assert.Equal([(byte)code, (byte)code, (byte)even, (byte)(code + 1), (byte)(code + 1), (byte)(even | 0x80)], codes);
        }
    }

    [Fact]
    public void A_finite_value_past_the_range_is_clamped_by_e4m3_and_refused_by_e5m2()
    {
        Assert.Equal(0x7E, F8E4M3Format.Encode(1e30f));
        Assert.Equal(0xFE, F8E4M3Format.Encode(float.NegativeInfinity));
        TensorFormat e5m2 = TensorFormats.FindByName("F8_E5M2")!;
        byte[] code = new byte[1];
        e5m2.EncodeRow([61439.9f], default, code);
        Assert.Equal(0x7B, code[0]);
        Assert.Throws<OverflowException>(() => e5m2.EncodeRow([61440f], default, code));
        e5m2.EncodeRow([float.PositiveInfinity], default, code);
        Assert.Equal(0x7C, code[0]);
    }

    /// <summary>
    /// The scales of compressed-tensors' NVFP4 are these eight bits too, and the codes those of ggml's types; only the order of the
    /// nibbles differs (elements 2j and 2j + 1 share a byte there).
    /// </summary>
    [Fact]
    public void The_nvfp4_fixture_decodes_with_these_scales_and_codes()
    {
        var fixture = new SafetensorsFixture(SharedFiles.Require("fixtures", "methods", "float_formats", "nvfp4.safetensors"));
        ReadOnlySpan<byte> scales = fixture.Bytes("weight_scale");
        ReadOnlySpan<float> scaleValues = fixture.Singles("weight_scale_values");
        float global = fixture.Singles("weight_global_scale")[0];
        ReadOnlySpan<float> expected = fixture.Singles("dequantized");
        ReadOnlySpan<byte> packed = fixture.Bytes("weight_packed");
        for (int i = 0; i < expected.Length; i++)
        {
            float scale = F8E4M3Format.Decode(scales[i / 16]);
            Assert.Equal(scaleValues[i / 16], scale);
            int code = packed[i / 2] >> i % 2 * 4 & 15;
            Assert.Equal(expected[i], MXFP4Format.Doubled[code] * 0.5 * scale / global, 1e-6 * Math.Max(1, Math.Abs(expected[i])));
        }
        Assert.Equal(1024, expected.Length);
    }
}
