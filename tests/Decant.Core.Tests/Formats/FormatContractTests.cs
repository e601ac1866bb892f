using Decant.Core.Formats;
using Decant.Testing;
using FsCheck.Xunit;

namespace Decant.Core.Tests.Formats;

/// <summary>What every format in the registry must keep to.</summary>
public sealed class FormatContractTests
{
    /// <summary>Block sizes and numbers as quantization.md §15 and §16 state them.</summary>
    private static readonly (string Name, int GgmlType, int Bytes, int Elements)[] published =
    [
        ("F32", 0, 4, 1), ("F16", 1, 2, 1), ("Q4_0", 2, 18, 32), ("Q4_1", 3, 20, 32), ("Q5_0", 6, 22, 32), ("Q5_1", 7, 24, 32), ("Q8_0", 8, 34, 32),
        ("Q8_1", 9, 36, 32), ("Q2_K", 10, 84, 256), ("Q3_K", 11, 110, 256), ("Q4_K", 12, 144, 256), ("Q5_K", 13, 176, 256), ("Q6_K", 14, 210, 256),
        ("Q8_K", 15, 292, 256), ("IQ4_NL", 20, 18, 32), ("IQ4_XS", 23, 136, 256), ("BF16", 30, 2, 1), ("TQ1_0", 34, 54, 256), ("TQ2_0", 35, 66, 256),
        ("MXFP4", 39, 17, 32),
    ];

    /// <summary>Formats whose grid contains what they decode to, so that a second round trip changes nothing.</summary>
    private static readonly string[] projections = ["F16", "BF16", "Q4_0", "Q5_0", "Q8_0", "TQ1_0", "TQ2_0", "MXFP4"];

    public static TheoryData<string> Every => [.. TensorFormats.All.Select(f => f.Name)];

    public static TheoryData<string> Encodable => [.. TensorFormats.All.Where(f => f.CanEncode && f.IsBlockFormat).Select(f => f.Name)];

    [Fact]
    public void Sizes_and_numbers_are_the_published_ones()
    {
        foreach ((string name, int type, int bytes, int elements) in published)
        {
            TensorFormat format = TensorFormats.FindByGgmlType(type)!;
            Assert.Equal((name, bytes, elements), (format.Name, format.BlockByteCount, format.BlockLength));
        }
    }

    [Theory]
    [MemberData(nameof(Every))]
    public void Lengths_that_do_not_fit_are_argument_errors(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        int length = 2 * format.BlockLength, byteCount = 2 * format.BlockByteCount;
        Assert.Throws<ArgumentException>(() => format.DecodeRow(new byte[byteCount], new float[length - 1]));
        Assert.Throws<ArgumentException>(() => format.DecodeRow(new byte[byteCount + format.BlockByteCount], new float[length]));
        if (!format.CanEncode)
        {
            Assert.Throws<NotSupportedException>(() => format.EncodeRow(new float[length], default, new byte[byteCount]));
            return;
        }
        Assert.Throws<ArgumentException>(() => format.EncodeRow(new float[length], default, new byte[byteCount - 1]));
        Assert.Throws<ArgumentException>(() => format.EncodeRow(new float[length], new float[length - 1], new byte[byteCount]));
        if (format.IsBlockFormat)
        {
            Assert.Throws<ArgumentException>(() => format.EncodeRow(new float[length - 1], default, new byte[byteCount]));
            Assert.Throws<ArgumentException>(() => format.RowByteCount(length + 1));
            Assert.False(format.CanHoldRow(length + 1));
        }
    }

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Importance_changes_bytes_exactly_where_the_format_says_it_does(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        float[] row = OddRows.Row("normal", 1024, 1);
        byte[] plain = Encode(format, row), weighted = Encode(format, row, OddRows.Importance("positive", 1024, 1));
        Assert.Equal(format.UsesImportance, !plain.AsSpan().SequenceEqual(weighted));
    }

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Blocks_are_encoded_independently_of_their_neighbours(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        float[] row = OddRows.Row("blocks of many sizes", 4 * format.BlockLength, 3);
        byte[] whole = Encode(format, row);
        for (int block = 0; block < 4; block++)
        {
            byte[] one = Encode(format, row.AsSpan(block * format.BlockLength, format.BlockLength));
            Assert.Equal(one, whole.AsSpan(block * format.BlockByteCount, format.BlockByteCount).ToArray());
        }
    }

    [Property(MaxTest = 60)]
    public void A_second_round_trip_changes_nothing(int seed, byte kind)
    {
        float[] row = OddRows.Row(OddRows.Kinds[kind % OddRows.Kinds.Count], 256, seed);
        foreach (string name in projections)
        {
            TensorFormat format = TensorFormats.FindByName(name)!;
            if (TryEncode(format, row) is not { } first || format.IsBlockFormat && HasFaintBlock(format, row))
                continue;
            var decoded = new float[256];
            format.DecodeRow(first, decoded);
            byte[] second = Encode(format, decoded);
            var again = new float[256];
            format.DecodeRow(second, again);
            Assert.Equal(decoded, again);
        }
    }

    [Property(MaxTest = 60)]
    public void Doubling_a_row_doubles_what_it_decodes_to(int seed, bool weighted)
    {
        // Large enough that no scale is denormal as a half.
        float[] row = [.. OddRows.Row("normal", 512, seed).Select(x => 64 * x)];
        float[] twice = [.. row.Select(x => 2 * x)];
        float[]? importance = weighted ? OddRows.Importance("positive", 512, seed) : null;
        foreach (TensorFormat format in TensorFormats.All.Where(f => f.CanEncode && f.IsBlockFormat))
        {
            var once = new float[512];
            var doubled = new float[512];
            format.DecodeRow(Encode(format, row, importance), once);
            format.DecodeRow(Encode(format, twice, importance), doubled);
            Assert.Equal(once.Select(x => 2 * x), doubled);
        }
    }

    /// <summary>Scales that are denormal as halves lose bits, so that the grid is no longer the one the codes were chosen on.</summary>
    private static bool HasFaintBlock(TensorFormat format, float[] row)
    {
        for (int at = 0; at < row.Length; at += format.BlockLength)
        {
            float largest = row.Skip(at).Take(format.BlockLength).Max(Math.Abs);
            if (largest is > 0 and < 0.02f)
                return true;
        }
        return false;
    }

    private static byte[] Encode(TensorFormat format, ReadOnlySpan<float> row, float[]? importance = null)
    {
        var bytes = new byte[format.RowByteCount(row.Length)];
        format.EncodeRow(row, importance, bytes);
        return bytes;
    }

    private static byte[]? TryEncode(TensorFormat format, float[] row)
    {
        try
        {
            return Encode(format, row);
        }
        catch (OverflowException)
        {
            return null;
        }
    }
}
