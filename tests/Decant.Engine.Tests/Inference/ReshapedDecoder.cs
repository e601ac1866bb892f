using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Engine.Tests.Inference;

/// <summary>
/// A reference checkpoint's family in other sizes, with random weights: block, head, expert and rank counts, head sizes, widths and vocabularies that are no multiples
/// of anything. What a family fixes stays: heads that share out the hidden size among them, one key-value head, as many as query heads.
/// </summary>
internal sealed class ReshapedDecoder(string folder, int seed)
{
    private readonly Random random = new(seed);

    /// <summary>The model.</summary>
    public DecoderModel Make()
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("fixtures", "architectures", folder));
        DecoderModel original = ArchitectureRegistry.BindDecoder(source);
        DecoderSpec spec = Reshape(original.Spec);
        Dictionary<TensorId, TensorData> tensors = spec.ListTensors().ToDictionary(tensor => tensor.Id, tensor => (TensorData)MemoryTensor.FromValues(
            tensor.Id.ToString(), tensor.Shape, Weights(tensor, spec.Head.Tied)));
        return new DecoderModel(MemoryModelSource.WithConfig([], []), original.ArchitectureName, spec, tensors, [], []);
    }

    private DecoderSpec Reshape(DecoderSpec spec)
    {
        AttentionSpec attention = Reshape(spec.Layers[0].Attention);
        bool fills = spec.Layers[0].Attention is var first && first.HeadCount * first.HeadSize == spec.HiddenSize;
        int hidden = fills ? attention.HeadCount * attention.HeadSize : random.Next(17, 65);
        int width = spec.Layers[0].FeedForward.Width == 4 * spec.HiddenSize ? 4 * hidden : random.Next(7, 60);
        // Blocks with experts and those without have sizes of their own, the same in all of a kind.
        bool IsLikeFirst(LayerSpec layer) => layer.FeedForward.Experts is null == spec.Layers[0].FeedForward.Experts is null;
        FeedForwardSpec own = Reshape(spec.Layers[0].FeedForward, width), other = Reshape((spec.Layers.FirstOrDefault(layer => !IsLikeFirst(layer)) ?? spec.Layers[0]).FeedForward, random.Next(5, 30));
        int layers = random.Next(1, 6);
        return spec with
        {
            VocabularySize = random.Next(67, 200),
            HiddenSize = hidden,
            Embedding = spec.Embedding with { Scale = spec.Embedding.Scale == MathF.Sqrt(spec.HiddenSize) ? MathF.Sqrt(hidden) : spec.Embedding.Scale },
            Layers =
            [
                .. Enumerable.Range(0, layers).Select(i => (Index: i, Like: spec.Layers[Math.Min(i, spec.Layers.Length - 1)])).Select(block => block.Like with
                {
                    Attention = attention with
                    {
                        // llama.cpp rotates all but every fourth block of the family that leaves some out, and knows no window where a test would need it.
                        Rope = spec.Layers.Any(layer => layer.Attention.Rope is null) && (block.Index + 1) % 4 == 0 ? null : Like(block.Like.Attention.Rope ?? spec.FirstRope, attention.Rope),
                        Window = spec.Layers.All(layer => layer.Attention.Window is not null) ? null : block.Like.Attention.Window,
                    },
                    FeedForward = IsLikeFirst(block.Like) ? own : other,
                }),
            ],
        };
    }

    private AttentionSpec Reshape(AttentionSpec attention)
    {
        int size = 2 * random.Next(2, 10), rotary = attention.Rope is not { } rope ? 0 : rope.RotaryCount == attention.HeadSize ? size : 2 * random.Next(1, size / 2 + 1);
        int groups = attention.KeyValueHeadCount == 1 ? 1 : random.Next(1, 4), ratio = attention.KeyValueHeadCount == attention.HeadCount ? 1 : random.Next(1, 4);
        bool isUsual = attention.Scale == (float)(1 / Math.Sqrt(attention.HeadSize)) || folder.StartsWith("gemma", StringComparison.Ordinal);
        if (attention.Latent is not null)
            size = rotary + random.Next(3, 12);
        return attention with
        {
            HeadCount = groups * ratio,
            KeyValueHeadCount = groups,
            HeadSize = size,
            ValueSize = attention.Latent is null ? size : random.Next(3, 12),
            Scale = isUsual ? (float)(1 / Math.Sqrt(size)) : attention.Scale * MathF.Sqrt((float)attention.HeadSize / size),
            Rope = attention.Rope is { } own ? own with { RotaryCount = rotary, FirstElement = attention.Latent is null ? 0 : size - rotary } : null,
            Latent = attention.Latent is { } latent ? latent with { QueryRank = random.Next(5, 20), KeyValueRank = random.Next(5, 20) } : null,
        };
    }

    private FeedForwardSpec Reshape(FeedForwardSpec feedForward, int width)
    {
        if (feedForward.Experts is not { } experts)
            return feedForward with { Width = width };
        int groups = experts.Groups?.Count ?? 1, count = groups * random.Next(2, 4);
        return feedForward with
        {
            Width = width,
            Experts = experts with
            {
                Count = count,
                UsedCount = random.Next(1, Math.Min(4, count / groups + 1)),
                Shared = experts.Shared is { } shared ? shared with { Width = shared.Gated ? random.Next(5, 40) : width * random.Next(1, 4) } : null,
            },
        };
    }

    private static RopeSpec? Like(RopeSpec? rope, RopeSpec? sizes) =>
        rope is null || sizes is null ? null : rope with { RotaryCount = sizes.RotaryCount, FirstElement = sizes.FirstElement };

    // Of the size that weights have: near one for norms, and so that sums neither vanish nor grow.
    private float[] Weights(ModelTensor tensor, bool tied)
    {
        bool isVector = tensor.Shape.Rank < 2 || tensor.Shape.RowCount == 1, isWeight = tensor.Id.Part == TensorPart.Weight;
        bool isNorm = tensor.Id.Role.ToString().EndsWith("Norm", StringComparison.Ordinal) && isWeight;
        double spread = isNorm || isVector ? 0.35 : tensor.Id.Role == TensorRole.TokenEmbedding && !tied ? 1 : 2.2 / Math.Sqrt(tensor.Shape.RowLength);
        double mean = isNorm || tensor.Id.Role == TensorRole.ExpertChoiceBias ? 1 : 0;
        return [.. Enumerable.Range(0, (int)tensor.Shape.ElementCount).Select(_ => (float)(mean + spread * (2 * random.NextDouble() - 1)))];
    }
}
