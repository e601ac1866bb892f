using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Architectures.Layouts;

namespace Decant.Core.Architectures.Families;

/// <summary>
/// Llama 1, 2 and 3 (Touvron et al. 2023; Grattafiori et al. 2024), SmolLM2, TinyLlama and others of model_type <c>llama</c>: optional
/// biases, every rotary scaling, head tied or not.
/// </summary>
public sealed class LlamaArchitecture : DecoderArchitecture
{
    /// <inheritdoc/>
    public override string Name => "llama";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["llama"];

    /// <inheritdoc/>
    public override string GgufName => "llama";

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout => LlamaForm.Names;

    /// <inheritdoc/>
    internal override RopePairing GgufPairing => RopePairing.Interleaved;

    /// <inheritdoc/>
    internal override bool GgufHoldsRotaryDivisors => true;

    /// <inheritdoc/>
    internal override DecoderSpec ReadConfig(ConfigReader config)
    {
        DecoderDimensions sizes = DecoderDimensions.Read(config, Keys, defaultContext: 2048);
        // SmolLM2's configs carry it; transformers' Llama rotates halves whatever it says.
        config.RequireOff("rope_interleaved");
        bool attentionBias = config.GetFlag("attention_bias", absent: false);
        AttentionSpec attention = LlamaForm.Attention(sizes, RopeConfig.Read(config, sizes.HeadSize, sizes.Context, 10000)) with
        {
            QueryKeyValueBias = attentionBias,
            OutputBias = attentionBias,
        };
        var feedForward = new FeedForwardSpec
        {
            Gated = true,
            Activation = Activations.Read(config, "hidden_act", Activation.Silu),
            Width = sizes.Width,
            Bias = config.GetFlag("mlp_bias", absent: false),
        };
        return LlamaForm.Build(sizes, LlamaForm.Norm(config), config.GetFlag("tie_word_embeddings", absent: false), _ => attention, feedForward);
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(DecoderSpec spec)
    {
        JsonObject config = LlamaForm.WriteConfig(spec, "llama", "LlamaForCausalLM");
        config["attention_bias"] = spec.Layers[0].Attention.QueryKeyValueBias;
        config["mlp_bias"] = spec.Layers[0].FeedForward.Bias;
        return config;
    }

    /// <inheritdoc/>
    internal override DecoderSpec ReadGguf(GgufSpecReader file)
    {
        GgufDimensions sizes = GgufDimensions.Read(file);
        Activation activation = file.Activation(GgufActivation);
        RopeSpec rope = GgufRope.Read(file, sizes.HeadSize, sizes.Context, GgufPairing);
        float? scale = file.FindPositive("attention.scale");
        // Written as zeros by some converters.
        if (file.FindCountOrZero("expert_count") is > 0 || file.FindCountOrZero("expert_used_count") is > 0)
            throw file.NotSupported("expert_count", "more than 0", "0 for this family");
        return LlamaForm.BuildGguf(
            sizes,
            LlamaForm.Norm(file),
            tied: !file.HasTensor("output.weight"),
            layer => sizes.Attention(layer, scale) with
            {
                Rope = rope,
                QueryKeyValueBias = file.HasTensor($"blk.{layer}.attn_q.bias"),
                OutputBias = file.HasTensor($"blk.{layer}.attn_output.bias"),
            },
            layer => new FeedForwardSpec
            {
                Gated = true,
                Activation = activation,
                Width = sizes.Width[layer],
                Bias = file.HasTensor($"blk.{layer}.ffn_down.bias"),
            });
    }
}
