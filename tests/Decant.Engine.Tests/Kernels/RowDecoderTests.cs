using Decant.Core.Formats;
using Decant.Engine.Kernels;

namespace Decant.Engine.Tests.Kernels;

public class RowDecoderTests
{
    public static TheoryData<string> Formats => [.. TensorFormats.All.Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(Formats))]
    public void Rows_are_decoded_as_the_format_defines_at_every_level(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        // Random bytes are valid blocks of every format; scales may come out infinite or NaN, which must pass alike.
        byte[] bytes = new byte[format.BlockByteCount * 21];
        new Random(7).NextBytes(bytes);
        float[] expected = new float[format.BlockLength * 21];
        format.DecodeRow(bytes, expected);
        foreach (string level in KernelCatalog.SupportedLevels)
        {
            float[] got = new float[expected.Length];
            RowDecoder.For(format, level).DecodeRows(bytes, got);
            for (int i = 0; i < got.Length; i++)
            {
                Assert.True(
                    float.IsNaN(expected[i]) ? float.IsNaN(got[i]) : BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(got[i]),
                    $"{level} {name}[{i}]: expected {expected[i]:R}, got {got[i]:R}");
            }
        }
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_refused()
    {
        RowDecoder decoder = RowDecoder.For(TensorFormats.Q4_0);
        Assert.Throws<ArgumentException>(() => decoder.DecodeRows(new byte[18], new float[31]));
        Assert.Throws<ArgumentException>(() => decoder.DecodeRows(new byte[17], new float[32]));
    }
}
