using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// ModernBERT (Warner et al. 2024): rotary positions, norms before the branches save in front of the first attention, a gated feed-forward part, and local
/// attention with a rotation of its own in most blocks.
/// </summary>
public sealed class ModernBertArchitecture : EncoderArchitecture
{
    private const int DefaultContext = 8192, DefaultLocal = 128, DefaultPeriod = 3;
    private const double DefaultGlobalBase = 160000, DefaultLocalBase = 10000;
    private const string Local = "sliding_attention", Global = "full_attention";
    private const string MeanPooling = "mean";

    /// <inheritdoc/>
    public override string Name => "modernbert";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["modernbert"];

    /// <inheritdoc/>
    public override string GgufName => "modern-bert";

    /// <inheritdoc/>
    internal override bool HeadsShareTransform => true;

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}embeddings.tok_embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}embeddings.norm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("{prefix}layers.{layer}.attn_norm", TensorRole.AttentionNorm),
        TensorLayout.Fused("{prefix}layers.{layer}.attn.Wqkv", TensorRole.Query, TensorRole.Key, TensorRole.Value),
        TensorLayout.Module("{prefix}layers.{layer}.attn.Wo", TensorRole.AttentionOutput),
        TensorLayout.Module("{prefix}layers.{layer}.mlp_norm", TensorRole.FeedForwardNorm),
        TensorLayout.Fused("{prefix}layers.{layer}.mlp.Wi", TensorRole.Gate, TensorRole.Up),
        TensorLayout.Module("{prefix}layers.{layer}.mlp.Wo", TensorRole.Down),
        TensorLayout.Module("{prefix}final_norm", TensorRole.FinalNorm),
        TensorLayout.Module("head.dense", TensorRole.HeadTransform),
        TensorLayout.Module("head.norm", TensorRole.HeadNorm),
        TensorLayout.Module("decoder", TensorRole.Head),
        TensorLayout.Module("classifier", TensorRole.Classifier),
    ])
    {
        Prefixes = ["model.", ""],
        LeftOut = LlamaForm.LeftOut,
    };

    /// <inheritdoc/>
    internal override TensorLayout GgufLayout { get; } = new(
    [
        TensorLayout.Module("token_embd", TensorRole.TokenEmbedding),
        TensorLayout.Module("token_embd_norm", TensorRole.EmbeddingNorm),
        TensorLayout.Module("blk.{layer}.attn_norm", TensorRole.AttentionNorm),
        TensorLayout.Fused("blk.{layer}.attn_qkv", TensorRole.Query, TensorRole.Key, TensorRole.Value),
        TensorLayout.Module("blk.{layer}.attn_output", TensorRole.AttentionOutput),
        TensorLayout.Module("blk.{layer}.ffn_norm", TensorRole.FeedForwardNorm),
        TensorLayout.Fused("blk.{layer}.ffn_up", TensorRole.Gate, TensorRole.Up),
        TensorLayout.Module("blk.{layer}.ffn_down", TensorRole.Down),
        TensorLayout.Module("output_norm", TensorRole.FinalNorm),
        TensorLayout.Module("cls", TensorRole.Pooler),
        TensorLayout.Module("cls.norm", TensorRole.PoolerNorm),
        TensorLayout.Module("cls.output", TensorRole.Classifier),
    ]);

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayoutOf(EncoderSpec spec) => spec.ClassCount is null ? HuggingFaceLayout : HuggingFaceLayout with
    {
        Mappings =
        [
            .. HuggingFaceLayout.Mappings.Select(mapping => mapping.Roles[0] switch
            {
                TensorRole.HeadTransform => mapping with { Roles = [TensorRole.Pooler] },
                TensorRole.HeadNorm => mapping with { Roles = [TensorRole.PoolerNorm] },
                _ => mapping,
            }),
        ],
    };

    /// <inheritdoc/>
    internal override EncoderSpec ReadConfig(ConfigReader config)
    {
        config.Ignore(
            "initializer_cutoff_factor", "mlp_dropout", "embedding_dropout", "deterministic_flash_attn", "reference_compile", "repad_logits_with_grad", "sparse_prediction",
            "sparse_pred_ignore_index", "position_embedding_type", "layer_norm_eps");
        DecoderDimensions sizes = BertForm.Sizes(config, Keys);
        if (!config.Has(Keys.Context))
            sizes = sizes with { Context = DefaultContext };
        NormSpec norm = LlamaForm.LayerNorm(config, "norm_eps", bias: config.GetFlag("norm_bias", absent: false));
        // Half of the local window on either side of a token.
        int reach = config.FindWhole("local_attention", 1, ConfigReader.MaximumCount) ?? DefaultLocal;
        int? period = config.FindCount("global_attn_every_n_layers");
        int?[] windows = LlamaForm.Windows(config, sizes.Layers, reach / 2 + 1, layer => layer % (period ?? DefaultPeriod) != 0);
        (RopeSpec global, RopeSpec local) = ReadRopes(config, sizes);
        EncoderSpec spec = Build(
            sizes,
            norm,
            windows,
            global,
            local,
            config.GetFlag("attention_bias", absent: false),
            new FeedForwardSpec { Gated = true, Activation = Activations.Read(config, "hidden_activation", Activation.GeluErf), Width = sizes.Width, Bias = config.GetFlag("mlp_bias", absent: false) });
        Activation activation = Activations.Read(config, "classifier_activation", Activation.GeluErf);
        bool bias = config.GetFlag("classifier_bias", absent: false);
        Pooling pooling = config.FindText("classifier_pooling") switch
        {
            null or "cls" => Pooling.First,
            MeanPooling => Pooling.Mean,
            _ => throw config.NotSupported("classifier_pooling", "cls, mean"),
        };
        return spec with
        {
            TokenHead = new TokenHeadSpec
            {
                Activation = activation,
                TransformBias = bias,
                Norm = norm,
                Tied = config.GetFlag("tie_word_embeddings", absent: true),
                Bias = config.GetFlag("decoder_bias", absent: true),
            },
            Pooler = new PoolerSpec { Pooling = pooling, Activation = activation, Bias = bias, Norm = norm },
        };
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(EncoderSpec spec)
    {
        LayerSpec first = spec.Layers[0];
        JsonObject config = BertForm.WriteConfig(spec, Keys, "modernbert", "ModernBert" + ClassSuffix(spec), "hidden_activation");
        config["norm_eps"] = RopeConfig.Shortest(first.Norm.Epsilon);
        config["norm_bias"] = first.Norm.Bias;
        config["attention_bias"] = first.Attention.QueryKeyValueBias;
        config["mlp_bias"] = first.FeedForward.Bias;
        config["local_attention"] = spec.Layers.Select(layer => layer.Attention.Window).FirstOrDefault(window => window is not null) is { } window ? 2 * (window - 1) : DefaultLocal;
        config["layer_types"] = new JsonArray([.. spec.Layers.Select(layer => (JsonNode)JsonValue.Create(layer.Attention.Window is null ? Global : Local))]);
        var ropes = new JsonObject();
        foreach ((string type, bool windowed) in (ReadOnlySpan<(string, bool)>)[(Global, false), (Local, true)])
        {
            if (spec.Layers.FirstOrDefault(layer => (layer.Attention.Window is not null) == windowed) is { } example)
                ropes[type] = RopeConfig.Write(example.Attention.Rope!, example.Attention.HeadSize);
        }
        config["rope_parameters"] = ropes;
        return config;
    }

    /// <inheritdoc/>
    internal override EncoderSpec ReadGguf(GgufSpecReader file)
    {
        DecoderDimensions sizes = EncoderGguf.Sizes(file);
        if (file.FindText("rope.scaling.type") is { } scaling && scaling != "none")
            throw file.NotSupported("rope.scaling.type", scaling, "none");
        var global = new RopeSpec { Pairing = RopePairing.Half, RotaryCount = sizes.HeadSize, Base = RopeConfig.Shortest(file.FindPositive("rope.freq_base") ?? (float)DefaultGlobalBase) };
        RopeSpec local = global with { Base = RopeConfig.Shortest(file.FindPositive("rope.freq_base_swa") ?? (float)global.Base) };
        int reach = file.FindCountOrZero("attention.sliding_window") ?? 0, period = file.FindCountOrZero("attention.sliding_window_pattern") ?? DefaultPeriod;
        bool[] windowed = file.FindDecantFlags(DecantKeys.WindowedLayers, sizes.Layers) ?? [.. Enumerable.Range(0, sizes.Layers).Select(layer => period == 0 || layer % period != 0)];
        NormSpec norm = LlamaForm.LayerNorm(file, file.HasTensor("output_norm.bias"));
        EncoderSpec spec = Build(
            sizes,
            norm,
            [.. windowed.Select(has => has && reach > 0 ? reach / 2 + 1 : (int?)null)],
            global,
            local,
            file.HasTensor("blk.0.attn_qkv.bias"),
            new FeedForwardSpec { Gated = true, Activation = file.Activation(GgufActivation), Width = sizes.Width, Bias = file.HasTensor("blk.0.ffn_up.bias") });
        var pooler = new PoolerSpec
        {
            Pooling = file.FindDecantText(DecantKeys.ClassifierPooling) switch
            {
                null => Pooling.First,
                MeanPooling => Pooling.Mean,
                { } other => throw file.NotSupportedDecantKey(DecantKeys.ClassifierPooling, other),
            },
            Activation = file.ActivationAt(DecantKeys.ClassifierActivation) ?? GgufActivation,
            Bias = file.HasTensor("cls.bias"),
            Norm = file.HasTensor("cls.norm.weight") ? norm : null,
        };
        return EncoderGguf.WithHeads(spec with { Pooler = pooler }, file);
    }

    /// <inheritdoc/>
    internal override void WriteGguf(EncoderSpec spec, GgufMetadata metadata, List<string> notices)
    {
        const string prefix = "modern-bert.";
        if (spec.Pooler is { } pooler)
        {
            if (pooler.Activation != GgufActivation)
                metadata.Set(DecantKeys.ClassifierActivation, GgufValue.From(Activations.Write(pooler.Activation, "")));
            if (pooler.Pooling == Pooling.Mean)
            {
                metadata.Set(DecantKeys.ClassifierPooling, GgufValue.From(MeanPooling));
                notices.Add("llama.cpp tells classes by the first token; this model does by the mean of all");
            }
        }
        metadata.Set(prefix + "rope.scaling.type", GgufValue.From("none"));
        AttentionSpec? global = spec.Layers.Select(layer => layer.Attention).FirstOrDefault(attention => attention.Window is null);
        AttentionSpec? local = spec.Layers.Select(layer => layer.Attention).FirstOrDefault(attention => attention.Window is not null);
        metadata.Set(prefix + "rope.freq_base", GgufValue.From((float)(global ?? local!).Rope!.Base));
        if (local is null)
            return;
        metadata.Set(prefix + "rope.freq_base_swa", GgufValue.From((float)local.Rope!.Base));
        metadata.Set(prefix + "attention.sliding_window", GgufValue.From((uint)(2 * (local.Window!.Value - 1))));
        bool[] windowed = [.. spec.Layers.Select(layer => layer.Attention.Window is not null)];
        int period = Enumerable.Range(0, windowed.Length + 1).FirstOrDefault(p => windowed.Select((has, layer) => has == (p == 0 || layer % p != 0)).All(same => same), -1);
        if (period >= 0)
            metadata.Set(prefix + "attention.sliding_window_pattern", GgufValue.From((uint)period));
        else
            metadata.Set(DecantKeys.WindowedLayers, GgufValue.From(windowed));
    }

    private static EncoderSpec Build(DecoderDimensions sizes, NormSpec norm, int?[] windows, RopeSpec global, RopeSpec local, bool attentionBias, FeedForwardSpec feedForward) => new()
    {
        VocabularySize = sizes.Vocabulary,
        HiddenSize = sizes.Hidden,
        ContextLength = sizes.Context,
        Embedding = new EncoderEmbeddingSpec { Norm = norm },
        Layers =
        [
            .. windows.Select((window, layer) => new LayerSpec
            {
                Norm = norm,
                SkipsAttentionNorm = layer == 0,
                Attention = LlamaForm.Attention(sizes, window is null ? global : local) with { Bidirectional = true, Window = window, QueryKeyValueBias = attentionBias, OutputBias = attentionBias },
                FeedForward = feedForward,
            }),
        ],
        FinalNorm = norm,
    };

    private static (RopeSpec Global, RopeSpec Local) ReadRopes(ConfigReader config, DecoderDimensions sizes)
    {
        RopeSpec global = RopeConfig.Read(config, sizes.HeadSize, sizes.Context, DefaultGlobalBase, layerType: Global, baseKey: "global_rope_theta");
        // A null stands for the global one.
        double localBase = config.HasEvenNull("local_rope_theta") && !config.Has("local_rope_theta") ? global.Base : DefaultLocalBase;
        return (global, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, localBase, layerType: Local, baseKey: "local_rope_theta"));
    }
}
