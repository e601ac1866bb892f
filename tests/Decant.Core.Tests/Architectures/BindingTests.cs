using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Decant.Core.Architectures;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

public sealed partial class BindingTests
{
    /// <summary>Families without a reference checkpoint of their own, each with the reason and with what tests it instead.</summary>
    private static readonly Dictionary<string, string> familiesWithoutFixture = new()
    {
        ["umt5"] = "T5 with a table of biases in every block: with equal tables it computes what t5-v1_1 does (T5VariantTests)",
        ["t5-encoder"] = "the encoder of T5 alone: its hidden states are those of the t5 fixtures' encoders (T5VariantTests)",
    };

    [Fact]
    public void Every_family_has_a_fixture_and_every_fixture_is_visited()
    {
        SharedFiles.RequireWholeSet();
        Assert.True(Fixtures.Folders.Count() >= Fixtures.MinimumCount, $"only {Fixtures.Folders.Count()} folders");
        Assert.All(familiesWithoutFixture.Keys, name => Assert.NotNull(ArchitectureRegistry.FindByName(name)));
        foreach (Architecture architecture in ArchitectureRegistry.All.Where(a => !familiesWithoutFixture.ContainsKey(a.Name)))
            Assert.True(Fixtures.AllFolders.Any(folder => Fixtures.FamilyOf(folder) == architecture), $"{architecture.Name} has no fixture, and no reason in {nameof(familiesWithoutFixture)}");
    }

    [Fact]
    public void Names_in_the_registry_are_unique()
    {
        Assert.Equal(ArchitectureRegistry.All.Count, ArchitectureRegistry.All.Select(a => a.Name).Distinct().Count());
        foreach (string type in ArchitectureRegistry.All.SelectMany(a => a.ModelTypes))
        {
            // A type alone, or with the class that a checkpoint was written for.
            foreach (string? className in (string?[])[null, "ForConditionalGeneration", "EncoderModel"])
            {
                var config = new JsonObject { ["model_type"] = type };
                if (className is not null)
                    config["architectures"] = new JsonArray(className);
                Assert.Single(ArchitectureRegistry.All, a => a.ModelTypes.Contains(type) && a.ClaimsConfig(new ConfigReader("config.json", config)));
            }
        }
        Assert.All(ArchitectureRegistry.All, a => Assert.Same(a, ArchitectureRegistry.FindByName(a.Name)));
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Both_spellings_of_the_config_give_equal_specs(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderSpec spec = ArchitectureRegistry.BindDecoder(source).Spec;
        foreach (string config in Fixtures.Configs(folder))
        {
            using HuggingFaceModelSource other = Fixtures.Open(folder, config);
            Assert.Equal(spec, ArchitectureRegistry.BindDecoder(other).Spec);
        }
        Assert.NotEqual(spec, spec with { ContextLength = spec.ContextLength + 1 });
    }

    [Theory]
    [MemberData(nameof(Fixtures.AllConfigs), MemberType = typeof(Fixtures))]
    public void Every_canonical_tensor_is_bound_with_the_shape_of_the_spec(string folder, string config)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder, config);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        IReadOnlyList<ModelTensor> expected = DecoderTensors.List(model.Spec);
        Assert.Equal(expected.Select(t => t.Id).ToHashSet(), model.Tensors.Keys.ToHashSet());
        Assert.All(expected, t => Assert.Equal(t.Shape, model.Tensors[t.Id].Info.Shape));
        Assert.Empty(model.UnknownTensors);
        Assert.Equal(expected[0].Id, new TensorId(TensorRole.TokenEmbedding));
    }

    /// <summary>The canonical values by another route: whole arrays, no views, names by pattern.</summary>
    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Bound_tensors_hold_the_stored_numbers(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        bool isGemma = folder.StartsWith("gemma", StringComparison.Ordinal), isGpt = folder.StartsWith("gpt2", StringComparison.Ordinal) || folder == "openai-gpt";
        int visited = 0;
        foreach (TensorData stored in source.Tensors)
        {
            string name = stored.Info.Name;
            if (name.EndsWith("inv_freq", StringComparison.Ordinal) || name.EndsWith("position_ids", StringComparison.Ordinal)
                || name.EndsWith(".attn.bias", StringComparison.Ordinal) || name.EndsWith("masked_bias", StringComparison.Ordinal)
                || (name.StartsWith("lm_head", StringComparison.Ordinal) && model.Spec.Head.Tied))
                continue;
            float[] values = Fixtures.Values(stored);
            int columns = (int)stored.Info.Shape.RowLength;
            if (isGemma && name.Contains("norm", StringComparison.Ordinal))
                values = [.. values.Select(v => 1f + v)];
            if (isGpt && stored.Info.Shape.Rank == 2 && name.Contains(".h.", StringComparison.Ordinal) | name.StartsWith("h.", StringComparison.Ordinal))
                (values, columns) = (Transpose(values, columns), (int)stored.Info.Shape[0]);
            if (name.Contains("query_key_value", StringComparison.Ordinal))
                values = Separated(values, columns = stored.Info.Shape.Rank == 1 ? 1 : columns, folder, model.Spec.Layers[0].Attention);
            if (name.Contains("kv_b_proj", StringComparison.Ordinal))
                values = HeadsApart(values, columns, model.Spec.Layers[0].Attention);
            int offset = 0;
            foreach (TensorId id in IdsOf(name, model.Spec))
            {
                TensorData bound = model.Tensors[id];
                int count = (int)bound.Info.Shape.ElementCount;
                float[] expected = values[offset..(offset + count)];
                Assert.True(Fixtures.SameBits(expected, Fixtures.Values(bound)), $"{id} from {name}");
                Assert.True(Fixtures.SameBits(expected, Fixtures.ValuesRowByRow(bound)), $"{id} from {name}, row by row");
                Assert.Equal(Fixtures.Bytes(bound), Fixtures.BytesRowByRow(bound));
                offset += count;
                visited++;
            }
            Assert.Equal(values.Length, offset);
        }
        Assert.Equal(model.Tensors.Count, visited);
    }

    [Fact]
    public void Leftover_tensors_and_a_second_copy_of_the_head_are_left_out_with_notices()
    {
        using HuggingFaceModelSource llama = Fixtures.Open("llama-oddities");
        DecoderModel model = ArchitectureRegistry.BindDecoder(llama);
        Assert.Equal(2, model.Notices.Count);
        Assert.Contains(model.Notices, n => n.Contains("inv_freq", StringComparison.Ordinal) && n.Contains("left out", StringComparison.Ordinal));
        Assert.Contains(model.Notices, n => n.Contains("lm_head.weight", StringComparison.Ordinal));
        using HuggingFaceModelSource gpt2 = Fixtures.Open("gpt2-oddities");
        Assert.Contains(ArchitectureRegistry.BindDecoder(gpt2).Notices, n => n.Contains("h.0.attn.bias", StringComparison.Ordinal));
        using HuggingFaceModelSource plain = Fixtures.Open("llama");
        Assert.Empty(ArchitectureRegistry.BindDecoder(plain).Notices);
    }

    [Fact]
    public void A_tied_head_that_differs_from_the_embedding_is_refused()
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource llama = Fixtures.Open("llama");
        var config = Fixtures.Config("llama");
        config["tie_word_embeddings"] = true;
        BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(config, llama.Tensors)));
        Assert.Contains("tie_word_embeddings", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_unknown_tensor_is_a_notice_and_is_listed()
    {
        SharedFiles.Require("fixtures", "architectures");
        using HuggingFaceModelSource llama = Fixtures.Open("llama");
        TensorData extra = MemoryTensor.FromValues("model.layers.0.mystery.weight", new TensorShape(1), [1f]);
        DecoderModel model = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(Fixtures.Config("llama"), [.. llama.Tensors, extra]));
        Assert.Equal(["model.layers.0.mystery.weight"], model.UnknownTensors);
        Assert.Single(model.Notices);

        // Converted without it, and that is said again.
        GgufDescription gguf = GgufExport.Describe(model);
        HuggingFaceDescription folder = HuggingFaceExport.Describe(model);
        Assert.Contains(gguf.Notices, notice => notice.Contains("ignored model.layers.0.mystery.weight", StringComparison.Ordinal));
        Assert.Contains(folder.Notices, notice => notice.Contains("ignored model.layers.0.mystery.weight", StringComparison.Ordinal));
        Assert.Equal(llama.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal), folder.Tensors.Select(t => t.Info.Name).Order(StringComparer.Ordinal));
        Assert.Equal(GgufExport.Describe(ArchitectureRegistry.BindDecoder(llama)).Tensors.Select(t => t.Info), gguf.Tensors.Select(t => t.Info));
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Any_missing_tensor_is_named(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        foreach (TensorData missing in source.Tensors)
        {
            bool isNeeded = IdsOf(missing.Info.Name, model.Spec).Any(model.Tensors.ContainsKey);
            if (!isNeeded)
                continue;
            MemoryModelSource without = MemoryModelSource.WithConfig(source.HuggingFace.Config, [.. source.Tensors.Where(t => t != missing)]);
            BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.BindDecoder(without));
            Assert.Contains(Unprefixed(missing.Info.Name), error.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Fixtures.All), MemberType = typeof(Fixtures))]
    public void Any_tensor_of_another_shape_or_stored_twice_is_named(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        foreach (TensorData tensor in source.Tensors.Where(t => IdsOf(t.Info.Name, model.Spec).Any(model.Tensors.ContainsKey)))
        {
            if (tensor.Info.Name.StartsWith("lm_head", StringComparison.Ordinal) && model.Spec.Head.Tied)
                continue;
            long[] shape = [.. tensor.Info.Shape.Dimensions];
            shape[0]++;
            var other = new TensorInfo(tensor.Info.Name, new TensorShape(shape), tensor.Info.Format);
            TensorData[] changed = [.. source.Tensors.Select(t => t == tensor ? new MemoryTensor(other, new byte[other.ByteCount]) : t)];
            BadFileException error = Assert.Throws<BadFileException>(() => ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(source.HuggingFace.Config, changed)));
            Assert.Contains(tensor.Info.Name, error.Message, StringComparison.Ordinal);
            Assert.Contains($"{other.Shape}", error.Message, StringComparison.Ordinal);

            error = Assert.Throws<BadFileException>(
                () => ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(source.HuggingFace.Config, [.. source.Tensors, tensor])));
            Assert.Contains("twice", error.Message, StringComparison.Ordinal);
        }
    }

    private static string Unprefixed(string name) => name.StartsWith("model.", StringComparison.Ordinal) ? name["model.".Length..]
        : name.StartsWith("transformer.", StringComparison.Ordinal) ? name["transformer.".Length..] : name;

    private static float[] Transpose(float[] values, int columns)
    {
        float[] result = new float[values.Length];
        int rows = values.Length / columns;
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
                result[column * rows + row] = values[row * columns + column];
        }
        return result;
    }

    /// <summary>DeepSeek's keys and values, stored head by head, put into the order keys, values.</summary>
    private static float[] HeadsApart(float[] values, int columns, AttentionSpec attention)
    {
        int keyRows = (attention.HeadSize - attention.Rope!.RotaryCount) * columns, headRows = keyRows + attention.ValueSize * columns;
        float[][] heads = [.. values.Chunk(headRows)];
        return [.. heads.SelectMany(head => head[..keyRows]), .. heads.SelectMany(head => head[keyRows..])];
    }

    /// <summary>Rows that are stored head by head, or key-value head by key-value head, put into the order queries, keys, values.</summary>
    private static float[] Separated(float[] values, int columns, string folder, AttentionSpec attention)
    {
        int groups = folder.StartsWith("falcon", StringComparison.Ordinal) ? attention.KeyValueHeadCount : attention.HeadCount;
        int perGroup = values.Length / columns / groups, queriesPerGroup = attention.HeadCount / groups * attention.HeadSize;
        IEnumerable<int> Rows(int first, int count) => Enumerable.Range(0, groups).SelectMany(group => Enumerable.Range(group * perGroup + first, count));
        int[] order = [.. Rows(0, queriesPerGroup), .. Rows(queriesPerGroup, attention.HeadSize), .. Rows(queriesPerGroup + attention.HeadSize, attention.HeadSize)];
        return [.. order.SelectMany(row => values[(row * columns)..((row + 1) * columns)])];
    }

    /// <summary>What a stored tensor of these fixtures holds, written down apart from the layouts.</summary>
    private static IEnumerable<TensorId> IdsOf(string name, DecoderSpec spec)
    {
        Match match = NamePattern().Match(name);
        int? layer = match.Groups["layer"].Success ? int.Parse(match.Groups["layer"].Value, null) : null;
        int? expert = match.Groups["expert"].Success ? int.Parse(match.Groups["expert"].Value, null) : null;
        TensorPart part = name.EndsWith(".bias", StringComparison.Ordinal) ? TensorPart.Bias : TensorPart.Weight;
        bool postNorms = spec.Layers[0].NormPlacement.HasFlag(NormPlacement.AfterBranch), afterSums = spec.Layers[0].NormPlacement == NormPlacement.AfterSum;
        TensorRole[] roles = match.Groups["module"].Value switch
        {
            "embed_tokens" or "wte" or "word_embeddings" or "embed_in" or "tokens_embed" => [TensorRole.TokenEmbedding],
            "wpe" or "embed_positions" or "positions_embed" => [TensorRole.PositionEmbedding],
            "word_embeddings_layernorm" => [TensorRole.EmbeddingNorm],
            "project_in" => [TensorRole.EmbeddingProjection],
            "project_out" => [TensorRole.HeadProjection],
            "norm" or "ln_f" or "final_layernorm" or "final_layer_norm" when layer is null => [TensorRole.FinalNorm],
            "lm_head" or "embed_out" => [TensorRole.Head],
            "ln_1" or "self_attn_layer_norm" when afterSums => [TensorRole.AttentionPostNorm],
            "ln_2" or "final_layer_norm" when afterSums => [TensorRole.FeedForwardPostNorm],
            "input_layernorm" or "ln_1" or "self_attn_layer_norm" or "ln_attn" => [TensorRole.AttentionNorm],
            "ln_mlp" or "final_layer_norm" => [TensorRole.FeedForwardNorm],
            "post_attention_layernorm" => [postNorms ? TensorRole.AttentionPostNorm : TensorRole.FeedForwardNorm],
            "pre_feedforward_layernorm" or "ln_2" => [TensorRole.FeedForwardNorm],
            "post_feedforward_layernorm" => [TensorRole.FeedForwardPostNorm],
            "self_attn.q_proj" => [TensorRole.Query],
            "self_attn.k_proj" => [TensorRole.Key],
            "self_attn.v_proj" => [TensorRole.Value],
            "self_attn.qkv_proj" or "attn.c_attn" or "self_attention.query_key_value" or "attention.query_key_value" => [TensorRole.Query, TensorRole.Key, TensorRole.Value],
            "self_attn.o_proj" or "attn.c_proj" or "self_attn.out_proj" or "self_attn.dense" or "self_attention.dense" or "attention.dense" => [TensorRole.AttentionOutput],
            "self_attn.q_norm" => [TensorRole.QueryNorm],
            "self_attn.k_norm" => [TensorRole.KeyNorm],
            "mlp.gate_proj" or "w1" or "gate_proj" => [TensorRole.Gate],
            "mlp.up_proj" or "mlp.c_fc" or "w3" or "up_proj" or "mlp.dense_h_to_4h" or "fc1" or "mlp.fc1" => [TensorRole.Up],
            "mlp.down_proj" or "mlp.c_proj" or "w2" or "down_proj" or "mlp.dense_4h_to_h" or "fc2" or "mlp.fc2" => [TensorRole.Down],
            "mlp.gate_up_proj" => [TensorRole.Gate, TensorRole.Up],
            "self_attn.q_a_proj" => [TensorRole.QueryDown],
            "self_attn.q_a_layernorm" => [TensorRole.QueryDownNorm],
            "self_attn.q_b_proj" => [TensorRole.Query],
            "self_attn.kv_a_proj_with_mqa" => [TensorRole.KeyValueDown],
            "self_attn.kv_a_layernorm" => [TensorRole.KeyValueDownNorm],
            "self_attn.kv_b_proj" => [TensorRole.KeyUp, TensorRole.ValueUp],
            "self_attn.attn_sub_norm" => [TensorRole.AttentionOutputNorm],
            "mlp.ffn_sub_norm" => [TensorRole.FeedForwardInnerNorm],
            "block_sparse_moe.gate" or "mlp.gate" => [TensorRole.Router],
            "mlp.gate.e_score_correction_bias" => [TensorRole.ExpertChoiceBias],
            "mlp.shared_expert_gate" => [TensorRole.SharedRouter],
            "mlp.shared_expert.gate_proj" or "mlp.shared_experts.gate_proj" => [TensorRole.SharedGate],
            "mlp.shared_expert.up_proj" or "mlp.shared_experts.up_proj" => [TensorRole.SharedUp],
            "mlp.shared_expert.down_proj" or "mlp.shared_experts.down_proj" => [TensorRole.SharedDown],
            _ => [],
        };
        return roles.Select(role => new TensorId(role, layer, expert, part));
    }

    [GeneratedRegex(@"^(?:model\.decoder\.|model\.|transformer\.|gpt_neox\.)?(?:(?:layers|h)\.(?<layer>\d+)\.)?(?:(?:block_sparse_moe|mlp)\.experts\.(?<expert>\d+)\.)?(?<module>.*?)(?:\.(?:weight|bias))?$")]
    private static partial Regex NamePattern();
}
