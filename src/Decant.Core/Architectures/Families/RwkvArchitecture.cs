using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Decant.Core.Architectures.Configuration;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Families;

/// <summary>RWKV-4 (Peng et al. 2023): time mixing and channel mixing with LayerNorms, a norm on the embedding, an untied head. GGUF has no architecture for it.</summary>
public sealed class RwkvArchitecture : RecurrentArchitecture
{
    // The reference makes the last norm without the config's ε.
    private const float FinalEpsilon = 1e-5f;

    /// <inheritdoc/>
    public override string Name => "rwkv";

    /// <inheritdoc/>
    public override ImmutableArray<string> ModelTypes => ["rwkv"];

    /// <inheritdoc/>
    internal override ConfigKeys Keys { get; } = new() { Context = "context_length" };

    /// <inheritdoc/>
    internal override TensorLayout HuggingFaceLayout { get; } = new(
    [
        TensorLayout.Module("{prefix}embeddings", TensorRole.TokenEmbedding),
        TensorLayout.Module("{prefix}blocks.0.pre_ln", TensorRole.EmbeddingNorm),
        TensorLayout.Module("{prefix}blocks.{layer}.ln1", TensorRole.MixerNorm),
        TensorLayout.Module("{prefix}blocks.{layer}.ln2", TensorRole.FeedForwardNorm),
        TensorLayout.Whole("{prefix}blocks.{layer}.attention.time_decay", TensorRole.StateDecay),
        TensorLayout.Whole("{prefix}blocks.{layer}.attention.time_first", TensorRole.CurrentKeyBonus),
        Shift("{prefix}blocks.{layer}.attention.time_mix_key", TensorRole.KeyShift),
        Shift("{prefix}blocks.{layer}.attention.time_mix_value", TensorRole.ValueShift),
        Shift("{prefix}blocks.{layer}.attention.time_mix_receptance", TensorRole.ReceptanceShift),
        TensorLayout.Module("{prefix}blocks.{layer}.attention.key", TensorRole.Key),
        TensorLayout.Module("{prefix}blocks.{layer}.attention.value", TensorRole.Value),
        TensorLayout.Module("{prefix}blocks.{layer}.attention.receptance", TensorRole.Receptance),
        TensorLayout.Module("{prefix}blocks.{layer}.attention.output", TensorRole.MixerOutput),
        Shift("{prefix}blocks.{layer}.feed_forward.time_mix_key", TensorRole.ChannelKeyShift),
        Shift("{prefix}blocks.{layer}.feed_forward.time_mix_receptance", TensorRole.ChannelReceptanceShift),
        TensorLayout.Module("{prefix}blocks.{layer}.feed_forward.key", TensorRole.Up),
        TensorLayout.Module("{prefix}blocks.{layer}.feed_forward.receptance", TensorRole.ChannelReceptance),
        TensorLayout.Module("{prefix}blocks.{layer}.feed_forward.value", TensorRole.Down),
        TensorLayout.Module("{prefix}ln_out", TensorRole.FinalNorm),
        TensorLayout.Module("head", TensorRole.Head),
    ])
    {
        Prefixes = ["rwkv."],
    };

    /// <inheritdoc/>
    internal override RecurrentSpec ReadConfig(ConfigReader config)
    {
        int hidden = config.GetCount(Keys.Hidden);
        int layers = config.GetCount(Keys.Layers, DecoderDimensions.MaximumLayers);
        var norm = new NormSpec(NormKind.Layer, (float)(config.FindPositive("layer_norm_epsilon") ?? 1e-5), Bias: true);
        var mixing = new TimeMixingSpec(config.FindCount("attention_hidden_size") ?? hidden);
        var channels = new ChannelMixingSpec(config.FindCount(Keys.Width) ?? checked(4 * hidden));
        int period = config.FindCountOrNone("rescale_every") ?? 6;
        return new RecurrentSpec
        {
            VocabularySize = config.GetCount(Keys.Vocabulary),
            HiddenSize = hidden,
            ContextLength = config.FindCount(Keys.Context) ?? 1024,
            EmbeddingNorm = norm,
            Layers = [.. Enumerable.Range(0, layers).Select(layer => new RecurrentLayerSpec
            {
                Norm = norm,
                Mixer = mixing,
                ChannelMixing = channels,
                BranchScale = period == 0 ? 1 : MathF.ScaleB(1, -(layer / period)),
                StreamScale = period > 0 && (layer + 1) % period == 0 ? 0.5f : 1,
            })],
            FinalNorm = norm with { Epsilon = FinalEpsilon },
            Head = new HeadSpec { Tied = config.GetFlag("tie_word_embeddings", absent: false) },
        };
    }

    /// <inheritdoc/>
    internal override JsonObject WriteConfig(RecurrentSpec spec)
    {
        RecurrentLayerSpec first = spec.Layers[0];
        int halved = spec.Layers.Index().Where(layer => layer.Item.StreamScale != 1).Select(layer => layer.Index + 1).FirstOrDefault();
        return new JsonObject
        {
            ["architectures"] = new JsonArray("RwkvForCausalLM"),
            ["model_type"] = "rwkv",
            [Keys.Vocabulary] = spec.VocabularySize,
            [Keys.Hidden] = spec.HiddenSize,
            [Keys.Layers] = spec.Layers.Length,
            [Keys.Context] = spec.ContextLength,
            ["attention_hidden_size"] = ((TimeMixingSpec)first.Mixer).Width,
            [Keys.Width] = first.ChannelMixing!.Width,
            ["layer_norm_epsilon"] = RopeConfig.Shortest(first.Norm.Epsilon),
            ["rescale_every"] = halved,
            ["tie_word_embeddings"] = spec.Head.Tied,
        };
    }

    private static TensorMapping Shift(string name, TensorRole role) =>
        TensorLayout.Whole(name, role) with { Reshape = shape => new TensorShape(1, 1, shape.ElementCount) };
}
