using System.Text.Json;
using Decant.Core.Formats;
using Decant.Testing;

namespace Decant.Core.Tests.Formats;

/// <summary>Every type of every file in the gguf fixture folder: bytes equal, floats equal bit for bit.</summary>
public sealed class GgufFixtureTests
{
    private static string Folder => SharedFiles.Require("fixtures", "methods", "gguf");

    private static SafetensorsFixture Open(string file) => new(Path.Combine(Folder, file));

    private static string[] TypesWith(SafetensorsFixture fixture, string suffix) =>
        [.. fixture.Names.Where(n => n.EndsWith(suffix, StringComparison.Ordinal)).Select(n => n[..^suffix.Length])];

    private static TensorFormat Format(string type) =>
        TensorFormats.FindByName(type) ?? throw new InvalidOperationException($"no format named {type}");

    [Theory]
    [InlineData("decode.safetensors", 22)]
    [InlineData("special.safetensors", 15)]
    public void Decoding_gives_the_reference_floats(string file, int typeCount)
    {
        SafetensorsFixture fixture = Open(file);
        string[] types = TypesWith(fixture, ".values");
        Assert.Equal(typeCount, types.Length);
        foreach (string type in types)
        {
            var values = new float[fixture.Singles($"{type}.values").Length];
            Format(type).DecodeRow(fixture.Bytes($"{type}.bytes"), values);
            AssertSameBits(fixture.Singles($"{type}.values"), values, type);
        }
    }

    [Theory]
    [InlineData("encode_256.safetensors", "", ".bytes", 15)]
    [InlineData("encode_256.safetensors", "imatrix", ".bytes_imatrix", 11)]
    [InlineData("encode_multi.safetensors", "", ".bytes", 15)]
    [InlineData("encode_multi.safetensors", "imatrix", ".bytes_imatrix", 11)]
    [InlineData("encode_32.safetensors", "", ".bytes", 7)]
    [InlineData("encode_32.safetensors", "imatrix", ".bytes_imatrix", 5)]
    [InlineData("special.safetensors", "", ".bytes", 15)]
    [InlineData("special_imatrix.safetensors", "imatrix", ".bytes", 11)]
    public void Encoding_gives_the_reference_bytes(string file, string imatrix, string suffix, int expectedTypes)
    {
        SafetensorsFixture fixture = Open(file);
        ReadOnlySpan<float> x = fixture.Singles("x");
        ReadOnlySpan<float> importance = imatrix.Length == 0 ? default : fixture.Singles(imatrix);
        int rowLength = (int)fixture.Shape("x")[1];
        string[] types = [.. TypesWith(fixture, suffix).Where(type => Format(type).CanEncode)];
        Assert.Equal(expectedTypes, types.Length);
        foreach (string type in types)
            AssertSameBytes(fixture.Bytes(type + suffix), EncodeRows(Format(type), x, rowLength, importance), rowLength, type);
    }

    [Theory]
    [InlineData("encode_256.safetensors")]
    [InlineData("encode_multi.safetensors")]
    public void Encoded_rows_have_the_reference_checksums(string file)
    {
        SafetensorsFixture fixture = Open(file);
        int rowLength = (int)fixture.Shape("x")[1];
        int checkedRows = 0;
        foreach (string type in TypesWith(fixture, ".crc").Where(type => Format(type).CanEncode))
        {
            int rowByteCount = (int)Format(type).RowByteCount(rowLength);
            byte[] bytes = EncodeRows(Format(type), fixture.Singles("x"), rowLength, default);
            long[] expected = fixture.Integers($"{type}.crc");
            for (int row = 0; row < expected.Length; row++, checkedRows++)
                Assert.Equal((uint)expected[row], Crc32.Of(bytes.AsSpan(row * rowByteCount, rowByteCount)));
        }
        Assert.True(checkedRows >= 15 * 6);
    }

    [Fact]
    public void Golden_row_has_the_published_checksums_and_errors()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "case.json")));
        JsonElement golden = document.RootElement.GetProperty("cases").EnumerateArray()
            .Single(c => c.GetProperty("file").GetString() == "golden_row.safetensors").GetProperty("golden");
        SafetensorsFixture fixture = Open("golden_row.safetensors");
        float[] x = fixture.Singles("x").ToArray();
        int count = 0;
        foreach (JsonProperty type in golden.EnumerateObject())
        {
            TensorFormat format = Format(type.Name);
            byte[] plain = EncodeRows(format, x, x.Length, default);
            byte[] weighted = EncodeRows(format, x, x.Length, fixture.Singles("imatrix"));
            Assert.Equal(type.Value.GetProperty("crc").GetString(), Crc32.Of(plain).ToString("x8"));
            Assert.Equal(type.Value.GetProperty("crc_imatrix").GetString(), Crc32.Of(weighted).ToString("x8"));
            var decoded = new float[x.Length];
            format.DecodeRow(plain, decoded);
            double error = Math.Sqrt(x.Zip(decoded, (a, b) => Math.Pow((double)a - b, 2)).Average());
            Assert.Equal(type.Value.GetProperty("rmse").GetDouble(), error, 1e-9);
            count++;
        }
        Assert.Equal(15, count);
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("bf16")]
    public void Half_types_decode_every_listed_pattern(string type)
    {
        SafetensorsFixture fixture = Open("half.safetensors");
        ReadOnlySpan<float> expected = fixture.Singles($"{type}.values");
        var values = new float[expected.Length];
        Format(type).DecodeRow(fixture.Bytes($"{type}.bits"), values);
        for (int i = 0; i < values.Length; i++)
            Assert.True(SameBits(expected[i], values[i]) || float.IsNaN(expected[i]) && float.IsNaN(values[i]), $"{type} {i}");
    }

    [Theory]
    [InlineData("f16")]
    [InlineData("bf16")]
    public void Half_types_round_to_nearest_even_and_refuse_finite_values_that_would_become_infinite(string type)
    {
        SafetensorsFixture fixture = Open("half.safetensors");
        ReadOnlySpan<float> values = fixture.Singles("encode.values");
        long[] expected = fixture.Integers($"encode.{type}");
        int infinity = type == "f16" ? 0x7c00 : 0x7f80;
        var bytes = new byte[2];
        for (int i = 0; i < expected.Length; i++)
        {
            float[] value = [values[i]];
            if (float.IsFinite(values[i]) && (expected[i] & 0x7fff) == infinity)
            {
                Assert.Throws<OverflowException>(() => Format(type).EncodeRow(value, default, bytes));
                continue;
            }
            Format(type).EncodeRow(value, default, bytes);
            int bits = BitConverter.ToUInt16(bytes);
            Assert.True(bits == expected[i] || float.IsNaN(values[i]) && (bits & 0x7fff) > infinity, $"{values[i]:R}: {bits:x4}, not {expected[i]:x4}");
        }
    }

    [Fact]
    public void Rows_that_case_json_says_must_be_rejected_are()
    {
        using JsonDocument document = JsonDocument.Parse(File.ReadAllText(Path.Combine(Folder, "case.json")));
        string overflow = document.RootElement.GetProperty("cases").EnumerateArray()
            .Single(c => c.GetProperty("file").GetString() == "special.safetensors")
            .GetProperty("must_be_rejected").EnumerateArray().Select(e => e.GetString()!).Single(s => s.Contains("1e7"));
        string[] types = overflow[(overflow.LastIndexOf(": ", StringComparison.Ordinal) + 2)..].Split(", ");
        Assert.Equal(10, types.Length);
        float[] row = [.. Enumerable.Range(0, 256).Select(i => i % 2 == 0 ? 1e7f : -3e6f)];
        foreach (string type in types)
        {
            var error = Assert.Throws<OverflowException>(() => EncodeRows(Format(type), row, 256, default));
            Assert.Contains(type, error.Message);
        }
    }

    private static byte[] EncodeRows(TensorFormat format, ReadOnlySpan<float> x, int rowLength, ReadOnlySpan<float> importance)
    {
        int rowByteCount = (int)format.RowByteCount(rowLength);
        var bytes = new byte[x.Length / rowLength * rowByteCount];
        Array.Fill(bytes, (byte)0xA5);
        for (int row = 0; row < x.Length / rowLength; row++)
            format.EncodeRow(x.Slice(row * rowLength, rowLength), importance, bytes.AsSpan(row * rowByteCount, rowByteCount));
        return bytes;
    }

    private static void AssertSameBytes(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, int rowLength, string type)
    {
        Assert.Equal(expected.Length, actual.Length);
        int at = expected.CommonPrefixLength(actual);
        int rowByteCount = (int)Format(type).RowByteCount(rowLength);
        Assert.True(at == expected.Length, $"{type}: row {at / rowByteCount}, byte {at % rowByteCount} of {rowByteCount} differs");
    }

    private static void AssertSameBits(ReadOnlySpan<float> expected, ReadOnlySpan<float> actual, string type)
    {
        for (int i = 0; i < expected.Length; i++)
            Assert.True(SameBits(expected[i], actual[i]), $"{type}: element {i}: expected {expected[i]:R}, got {actual[i]:R}");
    }

    private static bool SameBits(float a, float b) => BitConverter.SingleToInt32Bits(a) == BitConverter.SingleToInt32Bits(b);
}
