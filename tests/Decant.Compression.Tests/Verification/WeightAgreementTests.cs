using Decant.Compression.Verification;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Compression.Tests.Verification;

public sealed class WeightAgreementTests
{
    private const int RowLength = 512;
    private const int RowCount = 64;

    /// <summary>Ways a block can be hard to round: the worst of them set the bounds.</summary>
    private static readonly (string Name, Func<Random, int, float> Value)[] kinds =
    [
        ("normal", (random, _) => Normal(random)),
        ("uniform", (random, _) => random.NextSingle() - 0.5f),
        ("one large number", (random, i) => i % 32 == 5 ? 3 : 0.2f * Normal(random)),
        ("one large number in 256", (random, i) => i % 256 == 77 ? -4 : 0.3f * Normal(random)),
        ("two sizes", (random, i) => (i / 16 % 2 == 0 ? 1 : 0.05f) * Normal(random)),
        ("halves of a step", (random, i) => i % 32 == 0 ? -8 : random.Next(-8, 8) + 0.5f),
        ("opposite ends", (random, i) => i % 2 == 0 ? 1 : -1 + 0.01f * random.NextSingle()),
        ("far from zero", (random, i) => 1 + 0.1f * Normal(random)),
        ("heavy tails", (random, _) => Normal(random) / (0.05f + random.NextSingle())),
        ("a ramp", (_, i) => i % 256 / 255f),
    ];

    public static TheoryData<string> BlockFormats =>
        [.. TensorFormats.All.Where(f => f.IsBlockFormat && f.CanEncode && WeightAgreement.WorstError(f) is not null).Select(f => f.Name)];

    [Theory]
    [MemberData(nameof(BlockFormats))]
    public void Honest_rounding_of_any_block_is_within_the_bound(string format)
    {
        TensorFormat target = TensorFormats.FindByName(format)!;
        foreach ((string name, Func<Random, int, float> value) in kinds)
        {
            foreach (float size in (float[])[0.02f, 1, 100])
            {
                var random = new Random(3);
                float[] values = [.. Enumerable.Range(0, RowCount * RowLength).Select(i => size * value(random, i))];
                VerifyCheck check = Check(values, Encode(values, target), target);
                Assert.True(check.Passed, $"{name}, size {size}: {check.Detail}");
            }
        }
    }

    [Theory]
    [MemberData(nameof(BlockFormats))]
    public void A_block_without_its_codes_is_found(string format)
    {
        TensorFormat target = TensorFormats.FindByName(format)!;
        var random = new Random(4);
        float[] values = [.. Enumerable.Range(0, RowCount * RowLength).Select(_ => Normal(random))];
        byte[] bytes = Encode(values, target);
        bytes.AsSpan(37 * (int)target.RowByteCount(RowLength), target.BlockByteCount).Clear();
        VerifyCheck check = Check(values, bytes, target);
        Assert.False(check.Passed);
        Assert.Contains("t, row 37, columns 0 to", check.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void A_scale_with_its_sign_turned_is_found()
    {
        var random = new Random(5);
        float[] values = [.. Enumerable.Range(0, RowCount * RowLength).Select(_ => Normal(random))];
        byte[] bytes = Encode(values, TensorFormats.Q8_0);
        bytes[3 * (int)TensorFormats.Q8_0.RowByteCount(RowLength) + 34 + 1] ^= 0x80;
        Assert.Contains("t, row 3, columns 32 to 63", Check(values, bytes, TensorFormats.Q8_0).Detail, StringComparison.Ordinal);
    }

    private static float Normal(Random random) => (float)(Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble()));

    private static byte[] Encode(float[] values, TensorFormat format)
    {
        byte[] bytes = new byte[RowCount * format.RowByteCount(RowLength)];
        for (int row = 0; row < RowCount; row++)
            format.EncodeRow(values.AsSpan(row * RowLength, RowLength), [], bytes.AsSpan(row * (int)format.RowByteCount(RowLength), (int)format.RowByteCount(RowLength)));
        return bytes;
    }

    private static VerifyCheck Check(float[] values, byte[] bytes, TensorFormat format)
    {
        var shape = new TensorShape(RowCount, RowLength);
        var before = new MemoryTensor(new TensorInfo("t", shape, TensorFormats.F32), System.Runtime.InteropServices.MemoryMarshal.AsBytes(values.AsSpan()).ToArray());
        var after = new MemoryTensor(new TensorInfo("t", shape, format), bytes);
        return WeightAgreement.Check([(before, after)], new WeightAgreementOptions(), 1, null, TestContext.Current.CancellationToken);
    }
}
