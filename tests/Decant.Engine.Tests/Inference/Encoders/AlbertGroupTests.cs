using System.Text.Json.Nodes;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Engine.Inference.Encoders;
using Decant.Engine.Kernels;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference.Encoders;

/// <summary>
/// ALBERT with several blocks in a group (<c>inner_group_num</c>), made of its reference checkpoint, which runs block 0 twice and then block 1 twice: the same
/// blocks grouped otherwise, in the same order, give the same numbers.
/// </summary>
public sealed class AlbertGroupTests
{
    private const string Folder = "albert";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    // The stored block of each member of each group.
    public static TheoryData<int, int[][]> Groupings => new()
    {
        { 1, [[0, 0, 1, 1]] },
        { 2, [[0, 0], [1, 1]] },
        { 4, [[0], [0], [1], [1]] },
    };

    [Theory]
    [MemberData(nameof(Groupings))]
    public void Blocks_grouped_otherwise_give_the_numbers_of_transformers(int steps, int[][] groups)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", Folder));
        EncoderModel model = Grouped(source, steps, groups);
        Assert.Equal((groups[0].Length, steps, groups.Length * groups[0].Length), (model.Spec.GroupLength, model.Spec.StepCount, model.Spec.Layers.Length));
        var expected = new SafetensorsFixture(SharedFiles.Require("fixtures", "architectures", Folder, "expected.safetensors"));
        int length = (int)expected.Shape("input_ids")[1];
        double tolerance = (double)ReferenceCheckpoint.IndexOf(Folder)["tolerance"]!;
        foreach (InstructionSet set in InstructionSet.All.Where(set => set.IsSupported))
        {
            var observer = new HiddenStates();
            using Encoder encoder = Encoder.Load(model, new DecoderOptions { Kernel = set.Name, ThreadCount = 2, Observer = observer }, Cancellation);
            for (int row = 1; row >= 0; row--)
            {
                observer.Rows.Clear();
                bool[] mask = [.. Row("attention_mask", row).Select(value => value == 1)];
                EncoderOutput output = encoder.Encode([.. Row("input_ids", row)], mask, [.. Row("token_type_ids", row)], Cancellation);
                encoder.ScoreTokens(
                    output,
                    [.. Enumerable.Range(0, length).Where(position => mask[position])],
                    (position, logits) => Closeness.Assert(expected.Singles("logits").Slice((row * length + position) * logits.Length, logits.Length), logits, tolerance, $"logits at {row}, {position}"),
                    Cancellation);
            }
            // A hidden state for each group that has run, as in the reference.
            for (int i = 0; i <= steps; i++)
                Closeness.Assert(expected.Singles($"hidden_states.{i * 4 / steps}"), observer.Rows[i], tolerance, $"hidden state {i}");
        }

        IEnumerable<int> Row(string name, int row) => expected.Integers(name).Skip(row * length).Take(length).Select(value => (int)value);
    }

    [Theory]
    [MemberData(nameof(Groupings))]
    public void A_folder_written_again_has_the_same_groups(int steps, int[][] groups)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", Folder));
        EncoderModel model = Grouped(source, steps, groups);
        HuggingFaceDescription written = HuggingFaceExport.Describe(model);
        Assert.Equal((groups.Length, groups[0].Length, steps), ((int)written.Config["num_hidden_groups"]!, (int)written.Config["inner_group_num"]!, (int)written.Config["num_hidden_layers"]!));
        Assert.Equal(model.Source.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal), written.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal));
        Model again = ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(written.Config, written.Tensors));
        Assert.Equal(model.Spec, again.Spec);
        Assert.All(again.Tensors, pair => Assert.Same(model.Tensors[pair.Key], pair.Value));
        Assert.Contains("GGUF has no architecture for albert", Assert.Throws<NotSupportedModelException>(() => GgufExport.Describe(model)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2", "albert_layers.1")]
    [InlineData("0", "inner_group_num")]
    [InlineData("600", "inner_group_num")]
    [InlineData("\"two\"", "inner_group_num")]
    public void Groups_that_contradict_the_tensors_are_named(string value, string named)
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", Folder));
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["inner_group_num"] = JsonNode.Parse(value);
        BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, source.Tensors)));
        Assert.Contains(named, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_member_that_no_group_has_is_named()
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", Folder));
        EncoderModel model = Grouped(source, 2, [[0, 0], [1, 1]]);
        foreach ((int groups, int length, string named) in ((int, int, string)[])[(2, 1, "albert_layer_groups.0.albert_layers.1."), (1, 2, "albert_layer_groups.1.albert_layers.0.")])
        {
            var config = (JsonObject)model.Source.HuggingFace!.Config.DeepClone();
            config["num_hidden_groups"] = groups;
            config["inner_group_num"] = length;
            BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, model.Source.Tensors)));
            Assert.Contains(named, error.Message, StringComparison.Ordinal);
            Assert.Contains("num_hidden_groups × inner_group_num", error.Message, StringComparison.Ordinal);
        }
    }

    private static EncoderModel Grouped(HuggingFaceModelSource source, int steps, int[][] groups)
    {
        var config = (JsonObject)source.HuggingFace.Config.DeepClone();
        config["num_hidden_layers"] = steps;
        config["num_hidden_groups"] = groups.Length;
        config["inner_group_num"] = groups[0].Length;
        List<TensorData> tensors = [.. source.Tensors.Where(tensor => !tensor.Info.Name.Contains("albert_layer_groups", StringComparison.Ordinal))];
        for (int group = 0; group < groups.Length; group++)
        {
            for (int member = 0; member < groups[group].Length; member++)
            {
                string stored = $"albert_layer_groups.{groups[group][member]}.albert_layers.0.", name = $"albert_layer_groups.{group}.albert_layers.{member}.";
                foreach (TensorData tensor in source.Tensors.Where(tensor => tensor.Info.Name.Contains(stored, StringComparison.Ordinal)))
                {
                    float[] values = new float[tensor.Info.Shape.ElementCount];
                    tensor.ReadRows(0, (int)tensor.Info.Shape.RowCount, values);
                    tensors.Add(MemoryTensor.FromValues(tensor.Info.Name.Replace(stored, name, StringComparison.Ordinal), tensor.Info.Shape, values));
                }
            }
        }
        return Assert.IsType<EncoderModel>(ArchitectureRegistry.Bind(MemoryModelSource.WithConfig(config, tensors)));
    }
}
