using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// What DeepSeek-V2 and V3 share beside their configs: names, and one architecture in GGUF, in which norms of narrow vectors have the ε of all others.
/// </summary>
public abstract class DeepSeekArchitecture : DecoderArchitecture
{
    private const string Prefix = "deepseek2.";

    private const int SoftmaxScoring = 1, SigmoidScoring = 2;

    private static readonly TensorLayout narrowQueryNames = Names("q_b_proj"), wideQueryNames = Names("q_proj");

    private static readonly TensorLayout narrowQueryGgufNames = GgufNamesWith("attn_q_b"), wideQueryGgufNames = GgufNamesWith("attn_q");

    /// <inheritdoc/>
    public override string GgufName => "deepseek2";

    /// <inheritdoc/>
    internal override RopePairing HuggingFacePairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    /// <remarks>A folder keeps its own, a file that was made of one has the switch among what it carries of the config.</remarks>
    internal override RopePairing HuggingFacePairingOf(Model model) => model.Source.Gguf is { } metadata
        ? ConfigCarriage.Restore(metadata, [])["rope_interleave"] is JsonValue value && value.TryGetValue(out bool interleaves) && !interleaves ? RopePairing.Half : RopePairing.Interleaved
        : ((DecoderModel)model).Spec.FirstRope!.Pairing;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override bool GgufStatesExpertWidth => true;

    /// <inheritdoc/>
    internal override bool GgufScaleIsHonoured => true;

    /// <inheritdoc/>
    internal override ConfigKeys Keys => DeepSeekConfig.Keys;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => narrowQueryNames;

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout => narrowQueryGgufNames;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(DecoderSpec spec) =>
        HasNarrowQuery(spec) ? narrowQueryNames : wideQueryNames;

    /// <inheritdoc/>
    internal override TensorLayout GgufLayoutOf(DecoderSpec spec) =>
        HasNarrowQuery(spec) ? narrowQueryGgufNames : wideQueryGgufNames;

    /// <inheritdoc/>
    /// <remarks>Keys and values may be projected together, as converters wrote before, or apart.</remarks>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = ReadHeads(file);
        int rotary = file.GetCount("rope.dimension_count", sizes.HeadSize);
        double multiplier = (file.FindNumber("rope.scaling.yarn_log_multiplier") ?? 0) * 10;
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
        if (sparse is null)
            file.Ignore("expert_feed_forward_length", "expert_shared_count");
        return LlamaForm.BuildGguf(
            sizes,
            norm,
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer, scale) with { Rope = rope, Latent = latent },
            layer => sparse is null || layer < firstSparse ? new FeedForwardSpec { Gated = true, Activation = Activation.Silu, Width = sizes.Width[layer] } : sparse);
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
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
            // What follows from the multiplier is rounded.
            metadata.Set(Prefix + "attention.scale", GgufValue.From(attention.Scale));
        }
        if (spec.Layers.Select(layer => layer.FeedForward.Experts).FirstOrDefault(e => e is not null) is not { } experts)
        {
            // The loader asks for them, experts or not.
            Count("expert_feed_forward_length", spec.Layers[0].FeedForward.Width);
            Count("expert_shared_count", 0);
            return;
        }
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

    /// <inheritdoc/>
    internal override DecoderSpec ForGguf(DecoderSpec spec) => WithLatentEpsilon(spec, spec.Layers[0].Norm.Epsilon);

    /// <inheritdoc/>
    internal override DecoderSpec ForHuggingFace(DecoderSpec spec) => WithLatentEpsilon(spec, DeepSeekConfig.LatentEpsilon);

    /// <inheritdoc/>
    internal override void ForGguf(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => ForLatentEpsilon(spec, spec.Layers[0].Norm.Epsilon, tensors);

    /// <inheritdoc/>
    internal override void ForHuggingFace(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => ForLatentEpsilon(spec, DeepSeekConfig.LatentEpsilon, tensors);

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) =>
        HasNarrowQuery(spec) || spec.Layers.Length is 26 or 27
            ? GroupDifference(spec)
            : $"llama.cpp does not load this model: without q_lora_rank it takes 26 or 27 blocks, this one has {spec.Layers.Length}";

    private static string? GroupDifference(DecoderSpec spec) =>
        spec.Layers.Select(layer => layer.FeedForward.Experts).FirstOrDefault(experts => experts is not null) is not { Groups: { } groups } experts ? null
        : groups.SumsTopTwo ? "llama.cpp chooses no expert outside the best groups; transformers may, where biases below zero (e_score_correction_bias) make those inside worth less than nothing"
        : experts.Count > groups.Count ? "llama.cpp chooses groups of experts by the sum of their two best; this model chooses them by the best one"
        : null;

    private static bool HasNarrowQuery(DecoderSpec spec) => spec.Layers[0].Attention.Latent?.QueryRank is not null;

    // Where keys and values are projected apart, the usual keys are those of the one narrow vector that all heads share in llama.cpp's cache.
    private static GgufDimensions ReadHeads(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        if (file.FindCountOrZero("attention.key_length_mla") is not (> 0 and var size))
            return sizes;
        return sizes with { KeyValueHeads = sizes.Heads, HeadSize = size, ValueSize = file.GetCount("attention.value_length_mla", DecoderDimensions.MaximumHeads) };
    }

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
