using System.Globalization;
using Decant.Core.Architectures.Layouts;
using Decant.Core.Formats;
using Decant.Core.Tensors;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// Dense blocks among mixtures in the form of mixtures, for containers where every block is one: D(a(G x) ⊙ U x) = σ(r · x) · 2D(a(G x) ⊙ U x) with r · x so small that
/// σ is one half, beside experts and a router of zeros. All shared experts get the width of the widest; the units added are zero. Powers of two and zeros change no
/// result, so the way back gives equal weights; σ is one half to 2⁻²⁶ times the sum of x, less than single precision resolves where norms are near one.
/// </summary>
internal static class DenseAsMixture
{
    // llama.cpp computes σ(y) as silu(y) / y, which is not a number at zero. 2^-24 is the least number above zero that half precision has, for devices that multiply in it.
    private const float NearlyZero = 1f / (1 << 24);

    private static readonly (TensorRole Dense, TensorRole Shared)[] pairs =
        [(TensorRole.Gate, TensorRole.SharedGate), (TensorRole.Up, TensorRole.SharedUp), (TensorRole.Down, TensorRole.SharedDown)];

    /// <summary>The spec with mixtures in place of dense blocks.</summary>
    public static DecoderSpec ToMixtures(DecoderSpec spec)
    {
        if (spec.Layers.All(layer => layer.FeedForward.Experts is not null))
            return spec;
        // Without any mixture to follow, one expert of the least size will do.
        FeedForwardSpec mixture = spec.Layers.FirstOrDefault(layer => layer.FeedForward.Experts is not null)?.FeedForward
            ?? spec.Layers[0].FeedForward with { Width = 1, Experts = new ExpertsSpec(1, 1, Renormalise: false) };
        int width = spec.Layers.Max(layer => WidthOf(layer.FeedForward));
        return spec with
        {
            Layers =
            [
                .. spec.Layers.Select(layer => layer with
                {
                    FeedForward = mixture with
                    {
                        Experts = mixture.Experts! with
                        {
                            Shared = new SharedExpertSpec(width, Gated: true) { UsedWidth = WidthOf(layer.FeedForward) < width ? WidthOf(layer.FeedForward) : null },
                            OnlySharedIsUsed = layer.FeedForward.Experts is null,
                        },
                    },
                }),
            ],
        };
    }

    /// <summary>The tensor of <see cref="ToMixtures(DecoderSpec)"/> that holds a tensor of the spec.</summary>
    public static TensorId MixtureIdOf(DecoderSpec spec, TensorId id)
    {
        if (id.Layer is not { } layer || spec.Layers[layer].FeedForward.Experts is not null)
            return id;
        foreach ((TensorRole dense, TensorRole shared) in pairs)
        {
            if (id.Role == dense)
                return id with { Role = shared };
        }
        return id;
    }

    /// <summary>The tensors of <see cref="ToMixtures(DecoderSpec)"/>.</summary>
    public static void ToMixtures(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors)
    {
        DecoderSpec mixtures = ToMixtures(spec);
        if (ReferenceEquals(mixtures, spec))
            return;
        for (int layer = 0; layer < spec.Layers.Length; layer++)
        {
            bool dense = spec.Layers[layer].FeedForward.Experts is null;
            FeedForwardSpec target = mixtures.Layers[layer].FeedForward;
            int width = target.Experts!.Shared!.Width;
            TensorFormat format = TensorFormats.F32;
            foreach ((TensorRole denseRole, TensorRole shared) in pairs)
            {
                tensors.Remove(new(dense ? denseRole : shared, layer), out TensorData? data);
                bool down = shared == TensorRole.SharedDown;
                var shape = new TensorShape(down ? spec.HiddenSize : width, down ? width : spec.HiddenSize);
                format = data!.Info.Format;
                tensors[new(shared, layer)] = Resized(data, shape, dense && down ? 2 : 1);
            }
            if (!dense)
                continue;
            tensors[new(TensorRole.Router, layer)] = Constant(new TensorShape(target.Experts.Count, spec.HiddenSize), 0, TensorFormats.F32);
            tensors[new(TensorRole.SharedRouter, layer)] = Constant(new TensorShape(1, spec.HiddenSize), NearlyZero, TensorFormats.F32);
            for (int expert = 0; expert < target.Experts.Count; expert++)
            {
                foreach ((TensorRole role, _) in pairs)
                {
                    bool down = role == TensorRole.Down;
                    var shape = new TensorShape(down ? spec.HiddenSize : target.Width, down ? target.Width : spec.HiddenSize);
                    tensors[new(role, layer, expert)] = Constant(shape, 0, format);
                }
            }
        }
    }

    /// <summary>The spec with dense blocks where mixtures stand for them.</summary>
    public static DecoderSpec ToDense(DecoderSpec spec) => spec with
    {
        Layers =
        [
            .. spec.Layers.Select(layer => layer.FeedForward switch
            {
                { Experts: { OnlySharedIsUsed: true } } feedForward => layer with { FeedForward = feedForward with { Width = WidthOf(feedForward), Experts = null } },
                { Experts: { Shared: { UsedWidth: { } used } shared } experts } feedForward => layer with
                {
                    FeedForward = feedForward with { Experts = experts with { Shared = shared with { Width = used, UsedWidth = null } } },
                },
                _ => layer,
            }),
        ],
    };

    /// <summary>The tensors of <see cref="ToDense(DecoderSpec)"/>.</summary>
    public static void ToDense(DecoderSpec spec, Dictionary<TensorId, TensorData> tensors)
    {
        for (int layer = 0; layer < spec.Layers.Length; layer++)
        {
            if (spec.Layers[layer].FeedForward.Experts is not { Shared: { } sharedExpert } experts || (experts is { OnlySharedIsUsed: false } && sharedExpert.UsedWidth is null))
                continue;
            int used = sharedExpert.UsedWidth ?? sharedExpert.Width;
            foreach ((TensorRole dense, TensorRole shared) in pairs)
            {
                tensors.Remove(new(shared, layer), out TensorData? data);
                bool down = shared == TensorRole.SharedDown;
                var shape = new TensorShape(down ? spec.HiddenSize : used, down ? used : spec.HiddenSize);
                tensors[new(experts.OnlySharedIsUsed ? dense : shared, layer)] = Resized(data!, shape, experts.OnlySharedIsUsed && down ? 0.5f : 1);
            }
            if (!experts.OnlySharedIsUsed)
                continue;
            foreach (TensorId id in tensors.Keys.Where(id => id.Layer == layer && (id.Expert is not null || id.Role is TensorRole.Router or TensorRole.SharedRouter)).ToArray())
                tensors.Remove(id);
        }
    }

    /// <summary>What the form of mixtures adds to a file, in words.</summary>
    public static IEnumerable<string> Additions(DecoderSpec spec, TensorLayout layout, IReadOnlyList<TensorData> written)
    {
        int[] dense = [.. Enumerable.Range(0, spec.Layers.Length).Where(layer => spec.Layers[layer].FeedForward.Experts is { OnlySharedIsUsed: true })];
        if (dense.Length == 0)
            yield break;
        double bytes = written.Sum(tensor =>
        {
            if (layout.Find(tensor.Info.Name) is not { Layer: { } layer } place || spec.Layers[layer].FeedForward.Experts is not { Shared: { } shared } experts)
                return 0;
            TensorRole role = place.Mapping.Roles[0];
            if (role is TensorRole.SharedGate or TensorRole.SharedUp or TensorRole.SharedDown)
                return (double)tensor.Info.ByteCount * (shared.Width - (shared.UsedWidth ?? shared.Width)) / shared.Width;
            return experts.OnlySharedIsUsed && (place.Mapping.StacksExperts || role is TensorRole.Router or TensorRole.SharedRouter) ? tensor.Info.ByteCount : 0;
        });
        string which = dense.Length == 1 ? $"block {dense[0]} is dense" : $"blocks {string.Join(", ", dense.Take(3))}{(dense.Length > 3 ? $" and {dense.Length - 3} more" : "")} are dense";
        yield return string.Create(
            CultureInfo.InvariantCulture,
            $"{which}, and in GGUF every block of such a model is a mixture: written as shared experts beside experts of zeros, which take {bytes:N0} bytes before quantization");
    }

    private static int WidthOf(FeedForwardSpec spec) => spec.Experts is null ? spec.Width : spec.Experts.Shared!.UsedWidth ?? spec.Experts.Shared.Width;

    private static TensorData Constant(TensorShape shape, float value, TensorFormat format) =>
        RecodedTensor.Create("zeros", new ConstantTensor("zeros", shape, value), format);

    // Blocks of quantized rows may end within the part taken: such tensors stay in single precision.
    private static TensorData Resized(TensorData data, TensorShape shape, float factor)
    {
        string name = data.Info.Name;
        return shape == data.Info.Shape && factor == 1
            ? data
            : RecodedTensor.Create(name, new ResizedTensor(name, shape, data, factor), data.Info.Format.IsBlockFormat ? TensorFormats.F32 : data.Info.Format);
    }
}
