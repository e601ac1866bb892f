using Decant.Core.Formats;
using Decant.Testing;

namespace Decant.Core.Tests.Formats;

/// <summary>Odd rows against the compiled reference: equal bytes, and refused exactly where the reference writes what is not finite.</summary>
public sealed class GgmlParityTests
{
    /// <summary>Activation types are encoded by their row function alone.</summary>
    private static readonly string[] onlyReference = ["Q8_1", "Q8_K"];

    public static TheoryData<string> Encodable => [.. TensorFormats.All.Where(f => f.GgmlType is not null && f.CanEncode && f.IsBlockFormat).Select(f => f.Name)];

    [Fact]
    public void The_list_of_encodable_types_is_complete() => Assert.True(Encodable.Count >= 17);

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Odd_rows_encode_to_the_same_bytes(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        var differences = new List<string>();
        int compared = 0, refused = 0;
        foreach (int blockCount in new[] { 1, 2, 7 })
        {
            int length = format.BlockLength * blockCount;
            foreach (string kind in OddRows.Kinds)
            {
                foreach (string importanceKind in format.UsesImportance ? OddRows.ImportanceKinds : ["none", "positive"])
                {
                    if (onlyReference.Contains(name) && importanceKind != "none")
                        continue;
                    for (int seed = 0; seed < (importanceKind == "none" ? 4 : 2); seed++)
                    {
                        float[] row = OddRows.Row(kind, length, seed);
                        float[]? importance = OddRows.Importance(importanceKind, length, seed);
                        string? difference = Compare(format, row, importance, ref refused);
                        compared++;
                        if (difference is not null)
                            differences.Add($"{kind}, importance {importanceKind}, {blockCount} blocks, seed {seed}: {difference}");
                    }
                }
            }
        }
        Assert.True(differences.Count == 0, $"{differences.Count} of {compared} rows differ ({refused} refused):\n{string.Join('\n', differences.Take(40))}");
    }

    [Theory]
    [MemberData(nameof(Encodable))]
    public void Decoding_arbitrary_bytes_gives_the_same_floats(string name)
    {
        TensorFormat format = TensorFormats.FindByName(name)!;
        string function = GgmlBase.Spell(name);
        if (!GgmlBase.Has($"dequantize_row_{function}"))
        {
            Assert.Equal("Q8_1", name);
            return;
        }
        var random = new Random(5);
        for (int round = 0; round < 50; round++)
        {
            var bytes = new byte[format.BlockByteCount * 3];
            random.NextBytes(bytes);
            var values = new float[format.BlockLength * 3];
            format.DecodeRow(bytes, values);
            float[] expected = GgmlBase.Dequantize(function, bytes, values.Length);
            for (int i = 0; i < values.Length; i++)
            {
                Assert.True(
                    BitConverter.SingleToInt32Bits(expected[i]) == BitConverter.SingleToInt32Bits(values[i]) || float.IsNaN(expected[i]) && float.IsNaN(values[i]),
                    $"{name} round {round} element {i}: {values[i]:R}, not {expected[i]:R}");
            }
        }
    }

    private static string? Compare(TensorFormat format, float[] row, float[]? importance, ref int refused)
    {
        int byteCount = (int)format.RowByteCount(row.Length);
        byte[] expected = onlyReference.Contains(format.Name)
            ? GgmlBase.QuantizeReference(GgmlBase.Spell(format.Name), row, byteCount)
            : GgmlBase.Quantize(format.GgmlType!.Value, row, importance, byteCount);
        var decoded = new float[row.Length];
        format.DecodeRow(expected, decoded);
        bool sound = RowCheck.FirstNonFinite(decoded) < 0 && (format.Name != "Q8_1" || HasFiniteSums(expected));
        var actual = new byte[byteCount];
        try
        {
            format.EncodeRow(row, importance, actual);
        }
        catch (OverflowException)
        {
            refused++;
            return sound ? "refused, but the reference stores finite values" : null;
        }
        int at = expected.AsSpan().CommonPrefixLength(actual);
        if (!sound)
            return "the reference stores what is not finite, but it was not refused";
        return at == byteCount ? null : $"byte {at % format.BlockByteCount} of block {at / format.BlockByteCount} is {actual[at]:x2}, not {expected[at]:x2}";
    }

    /// <summary>Q8_1's second half-precision number does not show in decoded values.</summary>
    private static bool HasFiniteSums(ReadOnlySpan<byte> blocks)
    {
        for (int at = 2; at < blocks.Length; at += 36)
        {
            if (!Half.IsFinite(BitConverter.ToHalf(blocks[at..])))
                return false;
        }
        return true;
    }
}
