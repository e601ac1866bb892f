using System.Runtime.InteropServices;
using Decant.Core.Formats;
using Decant.Testing;

namespace Decant.Core.Tests.Formats;

/// <summary>The registry against llama.cpp's own library: every type it knows, the same sizes, the same numbers from the same bytes.</summary>
public sealed class GgmlTypesTests
{
    public static TheoryData<string> Blocks => [.. TensorFormats.All.Where(f => f.GgmlType is not null && f.IsBlockFormat).Select(f => f.Name)];

    [Fact]
    public void The_registry_has_every_type_of_the_library_and_no_other()
    {
        var types = GgmlBase.Types();
        Assert.True(types.Count >= 35, $"{types.Count} types");
        Assert.Equal(types.Select(t => t.Type), TensorFormats.All.Select(f => f.GgmlType).OfType<int>());
        foreach ((int type, string name, long length, long byteCount) in types)
        {
            TensorFormat format = TensorFormats.FindByGgmlType(type)!;
            Assert.Equal(name, format.Name, ignoreCase: true);
            Assert.Equal((length, byteCount), (format.BlockLength, format.BlockByteCount));
        }
    }

    [Fact]
    public void Only_the_vector_quantized_types_cannot_be_written() =>
        Assert.Equal(
            ["IQ2_XXS", "IQ2_XS", "IQ3_XXS", "IQ1_S", "IQ3_S", "IQ2_S", "IQ1_M"],
            TensorFormats.All.Where(f => !f.CanEncode).Select(f => f.Name));

    [Theory]
    [MemberData(nameof(Blocks))]
    public void Random_blocks_decode_to_the_same_floats(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        string function = GgmlBase.Spell(name);
        if (!GgmlBase.Has($"dequantize_row_{function}"))
        {
            Assert.Equal("Q8_1", name);
            return;
        }
        const int blockCount = 4096;
        var bytes = new byte[format.BlockByteCount * blockCount];
        new Random(17).NextBytes(bytes);
        var values = new float[format.BlockLength * blockCount];
        format.DecodeRow(bytes, values);
        float[] expected = GgmlBase.Dequantize(function, bytes, values.Length);
        int finite = 0;
        for (int i = 0; i < values.Length; i++)
        {
            finite += float.IsFinite(expected[i]) ? 1 : 0;
            if (!SameBits(expected[i], values[i]) && !(float.IsNaN(expected[i]) && float.IsNaN(values[i])))
                Assert.Fail($"block {i / format.BlockLength}, element {i % format.BlockLength}: {values[i]:R}, not {expected[i]:R}");
        }
        Assert.True(finite > values.Length / 2, $"only {finite} of {values.Length} are finite");
    }

    [Theory]
    [InlineData("IQ2_XXS", 2, 0, 256)]
    [InlineData("IQ2_XS", 2, 3, 512)]
    [InlineData("IQ2_S", 2, 66, 1024)]
    [InlineData("IQ3_XXS", 2, 0, 256)]
    [InlineData("IQ3_S", 2, 66, 512)]
    [InlineData("IQ1_S", 2, 35, 2048)]
    [InlineData("IQ1_M", 0, 32, 2048)]
    public void Every_point_of_a_codebook_is_the_published_one(string name, int lowByte, int highByte, int count)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        var blocks = new byte[format.BlockByteCount * count];
        for (int point = 0; point < count; point++)
        {
            Span<byte> block = blocks.AsSpan(point * format.BlockByteCount, format.BlockByteCount);
            block.Clear();
            block[1] = 0x3C;
            if (name == "IQ1_M")
            {
                block[1] = 0;
                (block[53], block[55]) = (0xC0, 0x30);
            }
            block[lowByte] = (byte)point;
            if (highByte > 0)
                block[highByte] = (byte)(name == "IQ1_S" ? 0 : point >> 8);
            if (name == "IQ1_S")
                block[34] = (byte)(point >> 8);
        }
        var values = new float[format.BlockLength * count];
        format.DecodeRow(blocks, values);
        Assert.True(GgmlBase.Dequantize(GgmlBase.Spell(name), blocks, values.Length).AsSpan().SequenceEqual(values));
        int distinct = Enumerable.Range(0, count).Select(p => string.Join(' ', values.AsSpan(p * format.BlockLength, 8).ToArray())).Distinct().Count();
        Assert.Equal(count, distinct);
    }

    [Theory]
    [InlineData("F16", "ggml_fp16_to_fp32_row")]
    [InlineData("BF16", "ggml_bf16_to_fp32_row")]
    public void All_65536_patterns_of_a_16_bit_float_decode_to_the_same_floats(string name, string function)
    {
        ushort[] patterns = [.. Enumerable.Range(0, 65536).Select(p => (ushort)p)];
        byte[] bytes = MemoryMarshal.AsBytes(patterns.AsSpan()).ToArray();
        var values = new float[patterns.Length];
        TensorFormats.FindByName(name)!.DecodeRow(bytes, values);
        float[] expected = GgmlBase.Widen(function, bytes);
        for (int i = 0; i < values.Length; i++)
            Assert.True(SameBits(expected[i], values[i]) || float.IsNaN(expected[i]) && float.IsNaN(values[i]), $"{i:x4}");
    }

    [Fact]
    public void Every_scale_of_nvfp4_decodes_and_rounds_as_the_library_does()
    {
        var block = new byte[36];
        block.AsSpan(4).Fill(0x22);
        for (int code = 0; code < 256; code++)
        {
            block.AsSpan(0, 4).Fill((byte)code);
            Assert.Equal(GgmlBase.Dequantize("nvfp4", block, 64)[0], 2 * NVFP4Format.HalfScaleOf((byte)code));
        }
        // Every eighth bit pattern of a float's upper half: all exponents, the codes, their midpoints and neighbours.
        var row = new float[64];
        for (int pattern = 0; pattern < 0x7F80; pattern += 4)
        {
            row[0] = BitConverter.Int32BitsToSingle(pattern << 16 | 1);
            byte[] expected = GgmlBase.Quantize(40, row, null, 36);
            var actual = new byte[36];
            TensorFormats.FindByName("NVFP4")!.EncodeRow(row, default, actual);
            Assert.True(expected.AsSpan().SequenceEqual(actual), $"{row[0]:R}: {actual[0]:x2} {actual[4]:x2}, not {expected[0]:x2} {expected[4]:x2}");
        }
    }

    private static bool SameBits(float a, float b) => BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b);
}
