using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Qwen1.5-MoE and Qwen2-MoE (Yang et al. 2024): Qwen2 with a mixture of experts in most blocks, whose weights are not renormalised, and one more expert that
/// every token uses, with a factor of its own.
/// </summary>
public sealed class Qwen2MoeArchitecture : DecoderArchitecture
{
    private const int DefaultContext = 32768;

    /// <inheritdoc/>
    public override string Name => "qwen2_moe";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["qwen2_moe"];

    /// <inheritdoc/>
    public override string GgufName => "qwen2moe";

    /// <inheritdoc/>
    internal override GgufLoaderLimits GgufLimits { get; } = new() { HeadsFillHidden = true, TiedHead = false };

    /// <inheritdoc/>
    internal override bool GgufStatesExpertWidth => true;

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new() { Experts = "num_experts", OtherExperts = "num_local_experts", ExpertWidth = "moe_intermediate_size" };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = Names();

    /// <summary>The names of Qwen's mixtures.</summary>
    internal static TensorLayout Names() => LlamaForm.NamesWith(
        TensorLayout.Module("{prefix}layers.{layer}.mlp.gate", TensorRole.Router),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.experts.{expert}.gate_proj", TensorRole.Gate),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.experts.{expert}.up_proj", TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.experts.{expert}.down_proj", TensorRole.Down),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.shared_expert_gate", TensorRole.SharedRouter),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.shared_expert.gate_proj", TensorRole.SharedGate),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.shared_expert.up_proj", TensorRole.SharedUp),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.shared_expert.down_proj", TensorRole.SharedDown));

    /// <summary>
    /// Which blocks have experts, by Qwen's keys: every <c>decoder_sparse_step</c>th but those of <c>mlp_only_layers</c>; the others are dense.
    /// </summary>
    /// <param name="config">The config.</param>
    /// <param name="sizes">Its sizes; their width is that of the dense blocks.</param>
    /// <param name="expertsKey">How the number of experts is called here.</param>
    /// <param name="defaults">Experts, experts per token and their width if the config states none.</param>
    /// <param name="sharedWidth">Inner width of the shared expert, or null.</param>
    internal static Func<int, FeedForwardSpec> ReadFeedForward(
        ConfigReader config, DecoderDimensions sizes, string expertsKey, (int Experts, int Used, int Width) defaults, int? sharedWidth)
    {
        int experts = config.FindCount(expertsKey, DecoderDimensions.MaximumExperts / sizes.Layers) ?? defaults.Experts;
        int used = config.FindCount("num_experts_per_tok") ?? defaults.Used;
        if (used > experts)
            throw config.Contradiction("num_experts_per_tok", $"a number up to {expertsKey} = {experts}");
        int step = config.FindCount("decoder_sparse_step") ?? 1;
        ImmutableArray<int> denseLayers = config.FindCounts("mlp_only_layers") ?? [];
        var dense = new FeedForwardSpec { Gated = true, Activation = Activations.Read(config, "hidden_act", Activation.Silu), Width = sizes.Width };
        FeedForwardSpec sparse = dense with
        {
            Width = config.FindCount("moe_intermediate_size") ?? defaults.Width,
            Experts = new ExpertsSpec(experts, used, config.GetFlag("norm_topk_prob", absent: false))
            {
                Shared = sharedWidth is { } width ? new SharedExpertSpec(width, Gated: true) : null,
            },
        };
        return layer => (layer + 1) % step == 0 && !denseLayers.Contains(layer) ? sparse : dense;
    }

    /// <summary>The keys that <see cref="ReadFeedForward"/> reads.</summary>
    internal static void WriteFeedForward(DecoderSpec spec, JsonObject config, string expertsKey)
    {
        config["decoder_sparse_step"] = 1;
        config["mlp_only_layers"] = new JsonArray(
            [.. Enumerable.Range(0, spec.Layers.Length).Where(layer => spec.Layers[layer].FeedForward.Experts is null).Select(layer => (JsonNode)JsonValue.Create(layer))]);
        if (spec.Layers.FirstOrDefault(layer => layer.FeedForward.Experts is not null)?.FeedForward is not { Experts: { } experts } sparse)
            return;
        config[expertsKey] = experts.Count;
        config["num_experts_per_tok"] = experts.UsedCount;
        config["moe_intermediate_size"] = sparse.Width;
        config["norm_topk_prob"] = experts.Renormalise;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, DefaultContext, defaultKeyValueHeads: 16);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            QueryKeyValueBias = config.GetFlag("qkv_bias", absent: true),
        };
        int?[] windows = Qwen2Architecture.ReadWindows(config, sizes.Layers);
        if (config.GetFlag("use_sliding_window", absent: false) && !config.Has("layer_types"))
            throw config.Contradiction("layer_types", "the kind of each block where use_sliding_window is true, for versions of the reference differ in which blocks max_window_layers means");
        int shared = config.FindCount(Keys.SharedWidth) ?? 5632;
        Func<int, FeedForwardSpec> feedForward = ReadFeedForward(config, sizes, config.FirstOf(Keys.Experts, "num_local_experts"), (60, 4, 1408), shared);
        bool tied = config.GetFlag("tie_word_embeddings", absent: false);
        return LlamaForm.Build(sizes, LlamaForm.Norm(config), tied, layer => attention with { Window = windows[layer] }, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "qwen2_moe", "Qwen2MoeForCausalLM");
        Qwen2Architecture.WriteWindows(spec, config);
        WriteFeedForward(spec, config, Keys.Experts);
        config["qkv_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        if (spec.Layers.Select(layer => layer.FeedForward.Experts?.Shared).FirstOrDefault(shared => shared is not null) is { } expert)
            config[Keys.SharedWidth] = expert.Width;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        int?[] windows = sizes.Windows(file, _ => true);
        ExpertsSpec experts = sizes.Experts(file, renormalise: false);
        int width = file.FindCount("expert_feed_forward_length") ?? sizes.Width[0] / experts.UsedCount;
        var shared = new SharedExpertSpec(file.FindCount("expert_shared_feed_forward_length") ?? sizes.Width[0], Gated: true);
        int[] used = file.FindDecantCounts(DecantKeys.SharedWidths, sizes.Layers, shared.Width) ?? [.. Enumerable.Repeat(shared.Width, sizes.Layers)];
        bool[]? dense = file.FindDecantFlags(DecantKeys.DenseLayers, sizes.Layers);
        Activation activation = file.Activation(GgufActivation);
        return LlamaForm.BuildGguf(
            sizes,
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer) with { Rope = rope, Window = windows[layer], QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias") },
            layer => new FeedForwardSpec
            {
                Gated = true,
                Activation = activation,
                Width = width,
                Experts = experts with { Shared = shared with { UsedWidth = used[layer] < shared.Width ? used[layer] : null }, OnlySharedIsUsed = dense?[layer] ?? false },
            });
    }

    /// <inheritdoc/>
    internal override void WriteGguf(DecoderSpec spec, GgufMetadata metadata)
    {
        ExpertsSpec[] experts = [.. spec.Layers.Select(layer => layer.FeedForward.Experts!)];
        if (experts[0].Renormalise)
            metadata.Set("qwen2moe.expert_weights_norm", GgufValue.From(true));
        if (experts.Any(block => block.OnlySharedIsUsed))
            metadata.Set(DecantKeys.DenseLayers, GgufValue.From(experts.Select(block => block.OnlySharedIsUsed).ToArray()));
        if (experts.Any(block => block.Shared!.UsedWidth is not null))
            metadata.Set(DecantKeys.SharedWidths, GgufValue.From(experts.Select(block => (uint)(block.Shared!.UsedWidth ?? block.Shared.Width)).ToArray()));
    }

    /// <inheritdoc/>
    internal override string? GgufDifference(DecoderSpec spec) =>
        spec.Layers.Any(layer => layer.FeedForward.Experts is { Renormalise: true } experts && experts.UsedCount < experts.Count)
            ? $"llama.cpp does not divide the weights of chosen experts by their sum in {Name} models; this one does (norm_topk_prob)"
            : null;

    /// <inheritdoc/>
    internal override DecoderSpec ForGguf(DecoderSpec spec) => DenseAsMixture.ToMixtures(spec);

    /// <inheritdoc/>
    internal override void ForGguf(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => DenseAsMixture.ToMixtures(spec, tensors);

    /// <inheritdoc/>
    internal override TensorId GgufIdOf(ModelSpec spec, TensorId id) => DenseAsMixture.MixtureIdOf((DecoderSpec)spec, id);

    /// <inheritdoc/>
    internal override DecoderSpec ForHuggingFace(DecoderSpec spec) => DenseAsMixture.ToDense(spec);

    /// <inheritdoc/>
    internal override void ForHuggingFace(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors) => DenseAsMixture.ToDense(spec, tensors);

    /// <inheritdoc/>
    internal override IEnumerable<string> GgufAdditions(ModelSpec spec, IReadOnlyList<TensorData> written) => DenseAsMixture.Additions((DecoderSpec)spec, GgufLayout, written);
}
