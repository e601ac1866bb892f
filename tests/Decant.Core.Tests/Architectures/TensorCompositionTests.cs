using System.Collections.Immutable;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Tests.Architectures;

/// <summary>Ways of storing that no family registered so far uses all of: groups, stacked biases, offsets on fused rows.</summary>
public sealed class TensorCompositionTests
{
    private const int Columns = 3;

    [Theory]
    [InlineData(1, 4, 4, 4)]
    [InlineData(2, 4, 4, 4)]
    [InlineData(4, 4, 4, 4)]
    [InlineData(2, 8, 2, 2)]
    public void Interleaved_rows_come_apart_and_together_again(int groups, params int[] rowCounts)
    {
        foreach (bool transposed in (bool[])[false, true])
        {
            foreach (bool vector in (bool[])[false, true])
            {
                var mapping = new TensorMapping("fused", [TensorRole.Query, TensorRole.Key, TensorRole.Value]) { Transposed = transposed };
                ModelTensor[] parts = [.. rowCounts.Select((rows, i) => Part(mapping.Roles[i], rows, vector))];
                TensorShape shape = TensorComposition.StoredShape(mapping, parts, 1);
                int length = (int)shape.ElementCount;
                TensorData stored = Numbers("fused", shape, length);
                TensorData[] views = TensorComposition.Split(mapping, stored, parts, groups);

                // Row r of a part lies in group r / share, behind the rows of that group's earlier parts.
                int total = rowCounts.Sum(), width = vector ? 1 : Columns, before = 0;
                for (int p = 0; p < parts.Length; p++)
                {
                    int share = rowCounts[p] / groups;
                    float[] values = Fixtures.Values(views[p]);
                    for (int row = 0; row < rowCounts[p]; row++)
                    {
                        int storedRow = row / share * (total / groups) + before + row % share;
                        for (int column = 0; column < width; column++)
                        {
                            int at = transposed && !vector ? column * total + storedRow : storedRow * width + column;
                            Assert.Equal(at, values[row * width + column]);
                        }
                    }
                    before += share;
                }
                TensorData again = TensorComposition.Compose(mapping, "fused", [.. parts.Zip(views)], groups);
                Assert.Equal(shape, again.Info.Shape);
                Assert.Equal(Fixtures.Bytes(stored), Fixtures.Bytes(again));
                Assert.Equal(Fixtures.Bytes(stored), Fixtures.BytesRowByRow(again));
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Experts_come_apart_and_together_again_with_their_biases(bool vector)
    {
        TensorMapping mapping = TensorLayout.Experts("blk.{layer}.ffn_up_exps", TensorRole.Up);
        ImmutableArray<TensorId> ids = mapping.Ids(0, null, vector ? TensorPart.Bias : TensorPart.Weight, expertCount: 5);
        ModelTensor[] parts = [.. ids.Select(id => Part(id.Role, 4, vector) with { Id = id })];
        TensorShape shape = TensorComposition.StoredShape(mapping, parts, 1);
        Assert.Equal(vector ? new TensorShape(5, 4) : new TensorShape(5, 4, Columns), shape);
        TensorData stored = Numbers("experts", shape, (int)shape.ElementCount);
        TensorData[] views = TensorComposition.Split(mapping, stored, parts, 1);
        Assert.Equal(4f * (vector ? 1 : Columns) * 2, Fixtures.Values(views[2])[0]);
        TensorData again = TensorComposition.Compose(mapping, "experts", [.. parts.Zip(views)], 1);
        Assert.Equal(shape, again.Info.Shape);
        Assert.Equal(Fixtures.Bytes(stored), Fixtures.Bytes(again));
    }

    [Fact]
    public void Quantized_experts_are_shared_not_copied()
    {
        TensorFormat format = TensorFormats.FindByName("Q8_0")!;
        TensorMapping mapping = TensorLayout.Experts("blk.{layer}.ffn_up_exps", TensorRole.Up);
        ModelTensor[] parts = [.. mapping.Ids(0, null, TensorPart.Weight, 2).Select(id => new ModelTensor(id, [ModelAxis.Width, ModelAxis.Hidden], new TensorShape(2, 32)))];
        var info = new TensorInfo("experts", new TensorShape(2, 2, 32), format);
        byte[] bytes = [.. Enumerable.Range(0, (int)info.ByteCount).Select(i => (byte)i)];
        TensorData[] views = TensorComposition.Split(mapping, new MemoryTensor(info, bytes), parts, 1);
        Assert.True(views[1].TryGetRows(0, 2, out ReadOnlySpan<byte> rows));
        Assert.True(rows.SequenceEqual(bytes.AsSpan(bytes.Length / 2)));
    }

    [Theory]
    [InlineData("model.layers.7.self_attn.q_proj.weight", 7)]
    [InlineData("layers.7.self_attn.q_proj.bias", 7)]
    [InlineData("model.layers.07.self_attn.q_proj.weight", null)]
    [InlineData("model.layers.-1.self_attn.q_proj.weight", null)]
    [InlineData("model.layers.99999999999.self_attn.q_proj.weight", null)]
    [InlineData("model.layers..self_attn.q_proj.weight", null)]
    [InlineData("model.layers.7.self_attn.q_proj", null)]
    [InlineData("model.layers.7.self_attn.q_proj.weight.weight", null)]
    [InlineData("", null)]
    [InlineData(".weight", null)]
    public void A_stored_name_has_one_spelling(string name, int? layer)
    {
        var layout = new TensorLayout([TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_proj", TensorRole.Query)]) { Prefixes = ["model.", ""] };
        Assert.Equal(layer, layout.Find(name)?.Layer);
        Assert.Equal(layer is not null, layout.Find(name) is not null);
    }

    private static ModelTensor Part(TensorRole role, int rows, bool vector) => vector
        ? new(new TensorId(role, 0, Part: TensorPart.Bias), [ModelAxis.Queries], new TensorShape(rows))
        : new(new TensorId(role, 0), [ModelAxis.Queries, ModelAxis.Hidden], new TensorShape(rows, Columns));

    private static MemoryTensor Numbers(string name, TensorShape shape, int count) =>
        MemoryTensor.FromValues(name, shape, [.. Enumerable.Range(0, count).Select(i => (float)i)]);
}
