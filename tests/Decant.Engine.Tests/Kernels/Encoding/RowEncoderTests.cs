using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Encoding;
using Decant.Testing;

namespace Decant.Engine.Tests.Kernels.Encoding;

/// <summary>Every encoder of the list that this processor can run, against the definition of its format.</summary>
public sealed class RowEncoderTests
{
    public static TheoryData<string> VectorisedFormats =>
        [.. RowEncoders.All.Where(e => e is not ScalarRowEncoder).Select(e => e.Format.Name).Distinct()];

    [Fact]
    public void Names_are_unique_and_every_encodable_format_has_a_scalar_encoder()
    {
        Assert.Equal(RowEncoders.All.Count, RowEncoders.All.Select(e => e.Name).Distinct().Count());
        foreach (TensorFormat format in TensorFormats.All.Where(f => f.CanEncode))
            Assert.Equal($"scalar-{format.Name.ToLowerInvariant()}", RowEncoder.For(format, "scalar").Name);
        Assert.Equal(3 * 20, RowEncoders.All.Count(e => e is not ScalarRowEncoder));
    }

    [Fact]
    public void Best_encoder_of_a_format_is_the_first_the_processor_can_run()
    {
        foreach (TensorFormat format in TensorFormats.All.Where(f => f.CanEncode))
        {
            RowEncoder expected = RowEncoders.All.First(e => e.Format == format && e.Instructions.IsSupported);
            Assert.Same(expected, RowEncoder.For(format));
        }
        Assert.Throws<UsageException>(() => RowEncoder.For(TensorFormats.Q4_K, "abacus"));
    }

    [Theory]
    [MemberData(nameof(VectorisedFormats))]
    public void Bytes_equal_the_definition_on_odd_rows(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        RowEncoder[] encoders = RunnableEncoders(format);
        int compared = 0;
        foreach (int blockCount in format.BlockLength == 256 ? new[] { 1, 3 } : [1, 4, 9])
        {
            int rowLength = (format.IsBlockFormat ? format.BlockLength : 8) * blockCount;
            foreach (string importanceKind in format.UsesImportance ? OddRows.ImportanceKinds : ["none"])
            {
                float[]? importance = OddRows.Importance(importanceKind, rowLength, 1);
                var kept = new List<float[]>();
                var bytes = new List<byte>();
                foreach (string kind in OddRows.Kinds)
                {
                    float[] row = OddRows.Row(kind, rowLength, blockCount);
                    if (EncodeByDefinition(format, row, importance) is not { } expected)
                    {
                        foreach (RowEncoder encoder in encoders)
                            Assert.Throws<OverflowException>(() => Encode(encoder, row, rowLength, importance));
                        continue;
                    }
                    kept.Add(row);
                    bytes.AddRange(expected);
                }
                foreach (RowEncoder encoder in encoders)
                    AssertSame(encoder, [.. kept.SelectMany(row => row)], rowLength, importance, bytes, $"importance {importanceKind}");
                compared += kept.Count;
            }
        }
        Assert.True(compared > 30);
    }

    [Theory]
    [MemberData(nameof(VectorisedFormats))]
    public void Bytes_equal_the_definition_for_every_number_of_rows(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        RowEncoder[] encoders = RunnableEncoders(format);
        int rowLength = format.IsBlockFormat ? 3 * format.BlockLength : 24; // lanes cross from one row to the next
        for (int rowCount = 0; rowCount <= 13; rowCount++)
        {
            float[]? importance = OddRows.Importance(rowCount % 2 == 0 ? "none" : "positive", rowLength, rowCount);
            var rows = new List<float>();
            var bytes = new List<byte>();
            for (int row = 0; row < rowCount; row++)
            {
                rows.AddRange(OddRows.Row("normal", rowLength, row));
                bytes.AddRange(EncodeByDefinition(format, OddRows.Row("normal", rowLength, row), importance)!);
            }
            foreach (RowEncoder encoder in encoders)
                AssertSame(encoder, [.. rows], rowLength, importance, bytes, $"{rowCount} rows");
        }
    }

    [Theory]
    [MemberData(nameof(VectorisedFormats))]
    public void Bytes_equal_the_fixtures(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        RowEncoder[] encoders = RunnableEncoders(format);
        int compared = 0;
        foreach (string file in new[] { "encode_256", "encode_multi", "encode_32", "special", "special_imatrix" })
        {
            var fixture = new SafetensorsFixture(SharedFiles.Require("fixtures", "methods", "gguf", file + ".safetensors"));
            int rowLength = (int)fixture.Shape("x")[1];
            if (!format.CanHoldRow(rowLength))
                continue;
            float[] x = fixture.Singles("x").ToArray();
            float[]? importance = fixture.Has("imatrix") ? fixture.Singles("imatrix").ToArray() : null;
            foreach ((string suffix, float[]? weights) in new[] { (".bytes", file == "special_imatrix" ? importance : null), (".bytes_imatrix", importance) })
            {
                if (!fixture.Has(name + suffix))
                    continue;
                compared++;
                foreach (RowEncoder encoder in encoders)
                    AssertSame(encoder, x, rowLength, weights, fixture.Bytes(name + suffix).ToArray(), file + suffix);
            }
        }
        bool inFixtures = format.IsBlockFormat && name is not ("NVFP4" or "Q1_0" or "Q2_0");
        Assert.True(compared >= (inFixtures ? 3 : 0));
    }

    [Theory]
    [InlineData("F16", 32)]
    [InlineData("BF16", 32)]
    public void Half_types_equal_the_definition_on_bit_patterns_of_every_exponent(string format, int step)
    {
        var values = new List<float>();
        for (long bits = 0; bits <= uint.MaxValue; bits += 1 + (1 << 16) / step * 41)
        {
            float value = BitConverter.UInt32BitsToSingle((uint)bits);
            if (format == "F16" ? Math.Abs(value) < 65520 : Math.Abs(value) < 3.39e38f)
                values.Add(value);
        }
        // Ties and their neighbours: half a unit of each kind.
        for (int exponent = -26; exponent < 15; exponent++)
        {
            for (int odd = 1; odd < 64; odd += 2)
            {
                float tie = MathF.ScaleB(odd, exponent);
                values.AddRange([tie, -tie, MathF.BitIncrement(tie), MathF.BitDecrement(tie), MathF.BitDecrement(-tie)]);
            }
        }
        values.RemoveAll(v => format == "F16" && Math.Abs(v) >= 65520);
        float[] row = [.. values];
        byte[] expected = EncodeByDefinition(TensorFormats.FindByName(format)!, row, null)!;
        foreach (RowEncoder encoder in RowEncoders.All.Where(e => e.Format.Name == format && e.Instructions.IsSupported))
            AssertSame(encoder, row, row.Length, null, expected, "patterns");
    }

    [Fact]
    public void Lengths_that_do_not_fit_are_argument_errors()
    {
        RowEncoder encoder = RowEncoder.For(TensorFormats.Q8_0);
        Assert.Throws<ArgumentException>(() => encoder.EncodeRows(new float[64], 33, default, new byte[68]));
        Assert.Throws<ArgumentException>(() => encoder.EncodeRows(new float[96], 64, default, new byte[102]));
        Assert.Throws<ArgumentException>(() => encoder.EncodeRows(new float[64], 32, default, new byte[67]));
        Assert.Throws<ArgumentException>(() => encoder.EncodeRows(new float[64], 32, new float[31], new byte[68]));
        Assert.Throws<ArgumentOutOfRangeException>(() => encoder.EncodeRows(new float[64], 0, default, new byte[68]));
    }

    private static RowEncoder[] RunnableEncoders(TensorFormat format)
    {
        RowEncoder[] encoders = [.. RowEncoders.All.Where(e => e.Format == format && e.Instructions.IsSupported && e is not ScalarRowEncoder)];
        Assert.SkipWhen(encoders.Length == 0, "this processor has no vectors, or they are switched off");
        return encoders;
    }

    private static void AssertSame(
        RowEncoder encoder, float[] rows, int rowLength, float[]? importance, IReadOnlyList<byte> expected, string what)
    {
        byte[] actual = Encode(encoder, rows, rowLength, importance);
        int at = expected.ToArray().AsSpan().CommonPrefixLength(actual);
        int rowByteCount = (int)encoder.Format.RowByteCount(rowLength);
        Assert.True(
            at == expected.Count && at == actual.Length,
            $"{encoder.Name}, {what}: row {at / rowByteCount}, block {at % rowByteCount / encoder.Format.BlockByteCount}, byte {at % rowByteCount % encoder.Format.BlockByteCount} differs");
    }

    private static byte[] Encode(RowEncoder encoder, float[] rows, int rowLength, float[]? importance)
    {
        var bytes = new byte[rows.Length / rowLength * encoder.Format.RowByteCount(rowLength)];
        Array.Fill(bytes, (byte)0xA5);
        encoder.EncodeRows(rows, rowLength, importance, bytes);
        return bytes;
    }

    private static byte[]? EncodeByDefinition(TensorFormat format, float[] row, float[]? importance)
    {
        var bytes = new byte[format.RowByteCount(row.Length)];
        try
        {
            format.EncodeRow(row, importance, bytes);
        }
        catch (OverflowException)
        {
            return null;
        }
        return bytes;
    }
}
