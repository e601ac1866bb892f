using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// What DeepSeek-V2 and V3 share: latent attention that rotates the last elements of a head, neighbours together, some dense blocks and then mixtures of
/// experts beside one that every token uses. GGUF has one architecture for both.
/// </summary>
internal static class DeepSeekForm
{
    private const string Prefix = "deepseek2.";

    // The code's own, whatever a config says.
    private const float LatentEpsilon = 1e-6f;

    private const int SoftmaxScoring = 1, SigmoidScoring = 2;

    /// <summary>Config keys of both.</summary>
    public static ConfigKeys Keys { get; } = new()
    {
        Experts = "n_routed_experts",
        ExpertWidth = "moe_intermediate_size",
        SharedWidth = "moe_intermediate_size × n_shared_experts",
        HeadSize = "(qk_nope_head_dim + qk_rope_head_dim)",
    };

    /// <summary>Names where queries come through a narrow vector.</summary>
    public static TensorLayout NarrowQueryNames { get; } = Names("q_b_proj");

    /// <summary>Names where queries come from the hidden state.</summary>
    public static TensorLayout WideQueryNames { get; } = Names("q_proj");

    /// <summary>GGUF names where queries come through a narrow vector.</summary>
    public static TensorLayout NarrowQueryGgufNames { get; } = GgufNamesWith("attn_q_b");

    /// <summary>GGUF names where queries come from the hidden state.</summary>
    public static TensorLayout WideQueryGgufNames { get; } = GgufNamesWith("attn_q");

    /// <summary>True if queries come through a narrow vector.</summary>
    public static bool HasNarrowQuery(DecoderSpec spec) => spec.Layers[0].Attention.Latent?.QueryRank is not null;

    /// <summary>Reads what both configs share.</summary>
    /// <param name="config">The config.</param>
    /// <param name="defaults">Dense blocks below those with experts, shared experts and the factor on the experts' sum if the config states none.</param>
    /// <param name="expertsOf">The experts, but for the shared one, given how many there are and how many a token uses.</param>
    public static DecoderSpec ReadConfig(ConfigReader config, (int Dense, int Shared, double Scale) defaults, Func<int, int, ExpertsSpec> expertsOf)
    {
        int unrotated = config.GetCount("qk_nope_head_dim", DecoderDimensions.MaximumHeads), rotary = config.GetCount("qk_rope_head_dim", DecoderDimensions.MaximumHeads);
        int heads = config.GetCount(Keys.Heads, DecoderDimensions.MaximumHeads);
        // Stated for programs that read no latent attention.
        _ = config.FindCount("head_dim");
        if ((config.FindCount("qk_head_dim") ?? unrotated + rotary) != unrotated + rotary)
            throw config.Contradiction("qk_head_dim", $"qk_nope_head_dim + qk_rope_head_dim = {unrotated + rotary}");
        if ((config.FindCount(Keys.KeyValueHeads) ?? heads) != heads)
            throw config.Contradiction(Keys.KeyValueHeads, $"{Keys.Heads} = {heads}, for every head has a key of its own");
        config.RequireOne("moe_layer_freq");
        // Matters of training, and of the blocks that guess further tokens ahead.
        config.Ignore("ep_size", "seq_aux", "aux_loss_alpha", "num_nextn_predict_layers");
        var sizes = new DecoderDimensions
        {
            Vocabulary = config.GetCount(Keys.Vocabulary),
            Hidden = config.GetCount(Keys.Hidden),
            Context = config.FindCount(Keys.Context) ?? 4096,
            Layers = config.GetCount(Keys.Layers, DecoderDimensions.MaximumLayers),
            Heads = heads,
            KeyValueHeads = heads,
            HeadSize = unrotated + rotary,
            Width = config.GetCount(Keys.Width),
        };
        RopeSpec rope = RopeConfig.Read(config, rotary, sizes.Context, 10000) with { FirstElement = unrotated };
        rope = rope with { Pairing = config.GetFlag("rope_interleave", absent: true) ? RopePairing.Interleaved : RopePairing.Half };
        bool bias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, rope) with
        {
            ValueSize = config.GetCount("v_head_dim", DecoderDimensions.MaximumHeads),
            Scale = (float)(1 / Math.Sqrt(sizes.HeadSize) * ScoreFactor(config)),
            Latent = new LatentAttentionSpec(
                config.FindCount("q_lora_rank"), config.GetCount("kv_lora_rank"), new NormSpec(NormKind.RootMeanSquare, LatentEpsilon)),
            QueryKeyValueBias = bias,
            OutputBias = bias,
        };
        var dense = new FeedForwardSpec { Gated = true, Activation = Activations.Read(config, "hidden_act", Activation.Silu), Width = sizes.Width };
        FeedForwardSpec sparse = ReadExperts(config, dense, sizes.Layers, defaults.Shared, defaults.Scale, expertsOf);
        int firstSparse = config.FindCountOrNone("first_k_dense_replace") ?? defaults.Dense;
        config.RequireOff("mlp_bias");
        return LlamaForm.Build(
            sizes, LlamaForm.Norm(config), config.GetFlag("tie_word_embeddings", absent: false), _ => attention, layer => layer < firstSparse ? dense : sparse);
    }

    /// <summary>Writes what both configs share.</summary>
    public static JsonObject WriteConfig(DecoderSpec spec, string modelType, string className)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, modelType, className);
        AttentionSpec attention = spec.Layers[0].Attention;
        RopeSpec rope = attention.Rope!;
        // What transformers calls the head size of these models is that of the rotated part.
        config["head_dim"] = rope.RotaryCount;
        config["attention_bias"] = attention.QueryKeyValueBias;
        config["qk_nope_head_dim"] = attention.HeadSize - rope.RotaryCount;
        config["qk_rope_head_dim"] = rope.RotaryCount;
        config["v_head_dim"] = attention.ValueSize;
        config["q_lora_rank"] = attention.Latent!.QueryRank;
        config["kv_lora_rank"] = attention.Latent.KeyValueRank;
        config["first_k_dense_replace"] = spec.Layers.TakeWhile(layer => layer.FeedForward.Experts is null).Count();
        JsonObject section = RopeConfig.Write(rope, rope.RotaryCount);
        WriteScoreFactor(section, attention, rope);
        config["rope_parameters"] = section;
        if (spec.Layers.FirstOrDefault(layer => layer.FeedForward.Experts is not null)?.FeedForward is not { Experts: { } experts } sparse)
            return config;
        config[Keys.Experts] = experts.Count;
        config["num_experts_per_tok"] = experts.UsedCount;
        config["moe_intermediate_size"] = sparse.Width;
        config["n_shared_experts"] = experts.Shared is { } shared ? shared.Width / sparse.Width : null;
        config["routed_scaling_factor"] = RopeConfig.Shortest(experts.Scale);
        config["n_group"] = experts.Groups?.Count ?? 1;
        config["topk_group"] = experts.Groups?.UsedCount ?? 1;
        return config;
    }

    /// <summary>Reads a GGUF file: keys and values may be projected together, as converters wrote before, or apart.</summary>
    public static DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = ReadHeads(file);
        int rotary = file.GetCount("rope.dimension_count", sizes.HeadSize);
        double multiplier = (file.FindPositive("rope.scaling.yarn_log_multiplier") ?? 0) * 10;
        RopeSpec rope = GgufRope.Read(file, rotary, sizes.Context, RopePairing.Interleaved) with { FirstElement = sizes.HeadSize - rotary };
        double factor = 1;
        if (rope.Scaling is RopeScaling.Yarn yarn)
        {
            // llama.cpp takes the usual factor back where the multiplier is there, and gives the scores the factor of both rotations.
            double attention = yarn.AttentionFactor / (multiplier == 0 || file.HasDecantRope ? 1 : RopeConfig.YarnAttentionFactor(yarn.Factor, 1));
            rope = rope with { Scaling = yarn with { AttentionFactor = attention } };
            factor = attention * RopeConfig.YarnAttentionFactor(yarn.Factor, multiplier);
        }
        float scale = file.FindPositive("attention.scale") ?? (float)(1 / Math.Sqrt(sizes.HeadSize) * factor * factor);
        NormSpec norm = LlamaForm.Norm(file);
        var latent = new LatentAttentionSpec(
            file.FindCountOrZero("attention.q_lora_rank") is > 0 and var rank ? rank : null,
            file.GetCount("attention.kv_lora_rank"),
            norm);
        int firstSparse = file.FindCountOrZero("leading_dense_block_count") ?? 0;
        FeedForwardSpec? sparse = file.FindCountOrZero("expert_count") is > 0 ? ReadGgufExperts(file, sizes) : null;
        return LlamaForm.BuildGguf(
            sizes,
            norm,
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer, scale) with { Rope = rope, Latent = latent },
            layer => sparse is null || layer < firstSparse ? new FeedForwardSpec { Gated = true, Activation = Activation.Silu, Width = sizes.Width[layer] } : sparse);
    }

    // Where keys and values are projected apart, the usual keys are those of the one narrow vector that all heads share in llama.cpp's cache.
    private static GgufDimensions ReadHeads(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        if (file.FindCountOrZero("attention.key_length_mla") is not (> 0 and var size))
            return sizes;
        return sizes with { KeyValueHeads = sizes.Heads, HeadSize = size, ValueSize = file.GetCount("attention.value_length_mla", DecoderDimensions.MaximumHeads) };
    }

    /// <summary>Adds the keys of this architecture.</summary>
    public static void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        AttentionSpec attention = spec.Layers[0].Attention;
        LatentAttentionSpec latent = attention.Latent!;
        void Count(string key, int value) => metadata.Set(Prefix + key, GgufValue.From((uint)value));
        if (latent.QueryRank is { } rank)
            Count("attention.q_lora_rank", rank);
        Count("attention.kv_lora_rank", latent.KeyValueRank);
        Count("attention.head_count_kv", 1);
        Count("attention.key_length", latent.KeyValueRank + attention.Rope!.RotaryCount);
        Count("attention.value_length", latent.KeyValueRank);
        Count("attention.key_length_mla", attention.HeadSize);
        Count("attention.value_length_mla", attention.ValueSize);
        Count("leading_dense_block_count", spec.Layers.TakeWhile(layer => layer.FeedForward.Experts is null).Count());
        if (attention.Rope.Scaling is RopeScaling.Yarn yarn)
        {
            // The scores' factor is that of both rotations times the multiplier's own.
            double score = Math.Sqrt(attention.Scale * Math.Sqrt(attention.HeadSize)) / yarn.AttentionFactor;
            double multiplier = yarn.Factor <= 1 ? 0 : Math.Round((score - 1) / Math.Log(yarn.Factor), 6);
            double usual = multiplier == 0 ? RopeConfig.YarnAttentionFactor(yarn.Factor, 1) : 1;
            if (multiplier != 0)
                metadata.Set(Prefix + "rope.scaling.yarn_log_multiplier", GgufValue.From((float)multiplier));
            metadata.Set(Prefix + "rope.scaling.attn_factor", GgufValue.From((float)(yarn.AttentionFactor / usual)));
        }
        if (spec.Layers.Select(layer => layer.FeedForward.Experts).FirstOrDefault(e => e is not null) is not { } experts)
            return;
        metadata.Set(Prefix + "expert_gating_func", GgufValue.From((uint)(experts.Scoring == ExpertScoring.Sigmoid ? SigmoidScoring : SoftmaxScoring)));
        metadata.Set(Prefix + "expert_weights_scale", GgufValue.From(experts.Scale));
        metadata.Set(Prefix + "expert_weights_norm", GgufValue.From(experts.Renormalise));
        // llama.cpp knows how many shared experts there are, each as wide as the others.
        if (experts.Shared is { } shared)
            Count("expert_shared_count", shared.Width / spec.Layers.First(layer => layer.FeedForward.Experts is not null).FeedForward.Width);
        metadata.Remove(Prefix + "expert_shared_feed_forward_length");
        if (experts.Groups is { } groups)
        {
            Count("expert_group_count", groups.Count);
            Count("expert_group_used_count", groups.UsedCount);
        }
    }

    /// <summary>The norms of the narrow vectors with the ε of all others, as llama.cpp has them.</summary>
    public static DecoderSpec ForGguf(DecoderSpec spec) => WithLatentEpsilon(spec, spec.Layers[0].Norm.Epsilon);

    /// <summary>The norms of the narrow vectors with the ε that transformers' code gives them.</summary>
    public static DecoderSpec ForHuggingFace(DecoderSpec spec) => WithLatentEpsilon(spec, LatentEpsilon);

    /// <summary>Gives the norms of narrow vectors the ε of all others.</summary>
    public static void ForGguf(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => ForLatentEpsilon(spec, spec.Layers[0].Norm.Epsilon, tensors);

    /// <summary>Gives the norms of narrow vectors the ε that transformers' code gives them.</summary>
    public static void ForHuggingFace(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => ForLatentEpsilon(spec, LatentEpsilon, tensors);

    /// <summary>What llama.cpp does otherwise.</summary>
    public static string? GgufDifference(DecoderSpec spec) =>
        HasNarrowQuery(spec) || spec.Layers.Length is 26 or 27
            ? null
            : $"llama.cpp does not load this model: without q_lora_rank it takes 26 or 27 blocks, this one has {spec.Layers.Length}";

    private static DecoderSpec WithLatentEpsilon(DecoderSpec spec, float epsilon) => LlamaForm.WithLayers(spec, layer => layer with
    {
        Attention = layer.Attention with { Latent = layer.Attention.Latent! with { Norm = layer.Attention.Latent.Norm with { Epsilon = epsilon } } },
    });

    // norm(x; ε) = norm(c x; c² ε). A power of two loses nothing and comes within a factor of 2 of ε, which is to lie far below the mean square.
    private static void ForLatentEpsilon(DecoderSpec spec, float epsilon, Dictionary<TensorId, TensorData> tensors)
    {
        LatentAttentionSpec latent = spec.Layers[0].Attention.Latent!;
        float factor = MathF.Pow(2, MathF.Round(MathF.Log2(epsilon / latent.Norm.Epsilon) / 2));
        if (factor == 1)
            return;
        foreach (TensorId id in tensors.Keys.Where(id => id.Role is TensorRole.QueryDown or TensorRole.KeyValueDown).ToArray())
            tensors[id] = Scaled(id, tensors[id], factor, id.Role == TensorRole.KeyValueDown ? latent.KeyValueRank : tensors[id].Info.Shape[0]);
    }

    private static TensorData Scaled(TensorId id, TensorData data, float factor, long rows)
    {
        // A vector's elements are its rows here.
        TensorData column = id.Part == TensorPart.Bias ? TensorComposition.AsColumn(data) : data;
        TensorData scaled = RecodedTensor.Create(data.Info.Name, new ScaledTensor(data.Info.Name, column, factor, rows), column.Info.Format.IsBlockFormat ? TensorFormats.F32 : column.Info.Format);
        return id.Part == TensorPart.Bias ? new ReshapedTensor(data.Info.Name, data.Info.Shape, scaled) : scaled;
    }

    private static FeedForwardSpec ReadExperts(ConfigReader config, FeedForwardSpec dense, int layers, int usualShared, double usualScale, Func<int, int, ExpertsSpec> expertsOf)
    {
        int width = config.GetCount("moe_intermediate_size");
        int experts = config.GetCount(config.FirstOf(Keys.Experts, "num_local_experts"), DecoderDimensions.MaximumExperts / layers);
        int used = config.GetCount("num_experts_per_tok");
        if (used > experts)
            throw config.Contradiction("num_experts_per_tok", $"a number up to {Keys.Experts} = {experts}");
        int? shared = config.FindCount("n_shared_experts", ConfigReader.MaximumCount / width);
        // Null means none, a missing key the family's default.
        if (shared is null && !config.HasEvenNull("n_shared_experts"))
            shared = usualShared;
        return dense with
        {
            Width = width,
            Experts = expertsOf(experts, used) with
            {
                Scale = (float)(config.FindPositive("routed_scaling_factor") ?? usualScale),
                Shared = shared is { } count ? new SharedExpertSpec(checked(width * count), Gated: false) : null,
            },
        };
    }

    /// <summary>Groups of experts, by both families' keys.</summary>
    /// <param name="config">The config.</param>
    /// <param name="experts">Experts of a block.</param>
    /// <param name="defaults">Groups, and groups that a token uses, if the config states none.</param>
    /// <param name="sumsTopTwo">True if a group's score is the sum of its two best, else its best.</param>
    public static ExpertGroupsSpec? ReadGroups(ConfigReader config, int experts, (int Count, int Used) defaults, bool sumsTopTwo)
    {
        // Null means that there are none, a missing key the family's default.
        int groups = config.FindCount("n_group") ?? (config.HasEvenNull("n_group") ? 1 : defaults.Count);
        int used = config.FindCount("topk_group") ?? (config.HasEvenNull("topk_group") ? 1 : defaults.Used);
        if (experts % groups != 0)
            throw config.Contradiction("n_group", $"a divisor of {Keys.Experts} = {experts}");
        if (used > groups)
            throw config.Contradiction("topk_group", $"a number up to n_group = {groups}");
        if (sumsTopTwo && experts / groups < 2)
            throw config.Contradiction("n_group", "groups of at least 2 experts");
        return groups == used ? null : new ExpertGroupsSpec(groups, used, sumsTopTwo);
    }

    private static FeedForwardSpec ReadGgufExperts(GgufSpecReader file, GgufDimensions sizes)
    {
        int width = file.GetCount("expert_feed_forward_length");
        int scoring = file.FindCountOrZero("expert_gating_func") ?? SoftmaxScoring;
        if (scoring is not (SoftmaxScoring or SigmoidScoring) and not 0)
            throw file.NotSupported("expert_gating_func", $"{scoring}", "1 (softmax), 2 (sigmoid)");
        bool sigmoid = scoring == SigmoidScoring;
        int sparseLayer = Array.FindIndex([.. Enumerable.Range(0, sizes.Layers)], layer => file.HasTensor($"blk.{layer}.ffn_gate_inp.weight"));
        int groups = file.FindCountOrZero("expert_group_count") ?? 0, used = file.FindCountOrZero("expert_group_used_count") ?? 0;
        return new FeedForwardSpec
        {
            Gated = true,
            Activation = Activation.Silu,
            Width = width,
            Experts = sizes.Experts(file, renormalise: false) with
            {
                Scoring = sigmoid ? ExpertScoring.Sigmoid : ExpertScoring.Softmax,
                ChoiceBias = file.HasTensor($"blk.{sparseLayer}.exp_probs_b.bias"),
                Scale = file.FindPositive("expert_weights_scale") ?? 1,
                Shared = file.FindCountOrZero("expert_shared_count") is > 0 and var count ? new SharedExpertSpec(width * count, Gated: false) : null,
                Groups = groups > 1 && used < groups ? new ExpertGroupsSpec(groups, used, SumsTopTwo: sigmoid) : null,
            },
        };
    }

    // YaRN's factor of these models goes into the scores, squared, in place of cosines and sines.
    private static double ScoreFactor(ConfigReader config)
    {
        ConfigReader? section = config.FindSection("rope_parameters") ?? config.FindSection("rope_scaling");
        double multiplier = section?.FindNumber("mscale_all_dim") ?? 0, factor = section?.FindPositive("factor") ?? 1;
        double score = multiplier == 0 ? 1 : RopeConfig.YarnAttentionFactor(factor, multiplier);
        return score * score;
    }

    private static double Multiplier(AttentionSpec attention, double factor)
    {
        double score = Math.Sqrt(attention.Scale * Math.Sqrt(attention.HeadSize));
        return factor <= 1 ? 0 : Math.Round((score - 1) / (0.1 * Math.Log(factor)), 4);
    }

    private static void WriteScoreFactor(JsonObject section, AttentionSpec attention, RopeSpec rope)
    {
        if (rope.Scaling is not RopeScaling.Yarn yarn || Multiplier(attention, yarn.Factor) is not (var all and not 0))
            return;
        section["mscale_all_dim"] = all;
        // The factor on cosines and sines is the ratio of two such factors.
        double own = yarn.AttentionFactor * RopeConfig.YarnAttentionFactor(yarn.Factor, all);
        section["mscale"] = Math.Round((own - 1) / (0.1 * Math.Log(yarn.Factor)), 4);
        section.Remove("attention_factor");
    }

    private static TensorLayout Names(string query) => LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}embed_tokens", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}layers.{layer}.input_layernorm", TensorRole.AttentionNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_a_proj", TensorRole.QueryDown),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.q_a_layernorm", TensorRole.QueryDownNorm),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn." + query, TensorRole.Query),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.kv_a_proj_with_mqa", TensorRole.KeyValueDown),
        TensorLayout.Module("{prefix}layers.{layer}.self_attn.kv_a_layernorm", TensorRole.KeyValueDownNorm),
        TensorLayout.Fused("{prefix}layers.{layer}.self_attn.kv_b_proj", TensorRole.KeyUp, TensorRole.ValueUp) with { Groups = HeadsOf },
        TensorLayout.Module("{prefix}layers.{layer}.mlp.gate", TensorRole.Router),
        TensorLayout.Whole("{prefix}layers.{layer}.mlp.gate.e_score_correction_bias", TensorRole.ExpertChoiceBias),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.experts.{expert}.gate_proj", TensorRole.Gate),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.experts.{expert}.up_proj", TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.experts.{expert}.down_proj", TensorRole.Down),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.shared_experts.gate_proj", TensorRole.SharedGate),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.shared_experts.up_proj", TensorRole.SharedUp),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.shared_experts.down_proj", TensorRole.SharedDown));

    private static TensorLayout GgufNamesWith(string query) => GgufNames.With(
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.AttentionNorm),
        TensorLayout.Module("blk.{layer}.attn_q_a", TensorRole.QueryDown),
        TensorLayout.Module("blk.{layer}.attn_q_a_norm", TensorRole.QueryDownNorm),
        TensorLayout.Module("blk.{layer}." + query, TensorRole.Query),
        TensorLayout.Module("blk.{layer}.attn_kv_a_mqa", TensorRole.KeyValueDown),
        TensorLayout.Module("blk.{layer}.attn_kv_a_norm", TensorRole.KeyValueDownNorm),
        TensorLayout.Module("blk.{layer}.attn_k_b", TensorRole.KeyUp) with { Groups = HeadsOf, GroupForm = RowGroupForm.TransposedMatrices },
        TensorLayout.Module("blk.{layer}.attn_v_b", TensorRole.ValueUp) with { Groups = HeadsOf, GroupForm = RowGroupForm.Matrices },
        // What converters wrote before.
        TensorLayout.Fused("blk.{layer}.attn_kv_b", TensorRole.KeyUp, TensorRole.ValueUp) with { Groups = HeadsOf });

    private static int HeadsOf(AttentionSpec attention) => attention.HeadCount;
}
