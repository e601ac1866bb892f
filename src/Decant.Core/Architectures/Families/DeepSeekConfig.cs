using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// What the configs of DeepSeek-V2 and V3 share: latent attention that rotates the last elements of a head, some dense blocks and then mixtures of experts
/// beside one that every token uses.
/// </summary>
internal static class DeepSeekConfig
{
    /// <summary>ε of the norms of narrow vectors: the reference code's own, whatever a config says.</summary>
    public const float LatentEpsilon = 1e-6f;

    /// <summary>Config keys of both.</summary>
    public static ConfigKeys Keys { get; } = new()
    {
        Experts = "n_routed_experts",
        ExpertWidth = "moe_intermediate_size",
        SharedWidth = "moe_intermediate_size × n_shared_experts",
        HeadSize = "(qk_nope_head_dim + qk_rope_head_dim)",
    };


    /// <summary>Reads what both configs share.</summary>
    /// <param name="config">The config.</param>
    /// <param name="defaults">Dense blocks below those with experts, shared experts and the factor on the experts' sum if the config states none.</param>
    /// <param name="expertsOf">The experts, but for the shared one, given how many there are and how many a token uses.</param>
    public static DecoderSpec Read(ConfigReader config, (int Dense, int Shared, double Scale) defaults, Func<int, int, ExpertsSpec> expertsOf)
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
    public static JsonObject Write(DecoderSpec spec, string modelType, string className)
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
}
