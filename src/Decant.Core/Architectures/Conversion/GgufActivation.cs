using Decant.Core.Architectures.Configuration;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Conversion;

/// <summary>The activation of feed-forwards in GGUF, which has no key for it: an architecture stands for one.</summary>
internal static class GgufActivation
{
    /// <summary>Notes an activation that is not the one that files of the architecture have, and tells where llama.cpp computes another one.</summary>
    /// <param name="metadata">The file's keys.</param>
    /// <param name="name">What has the activation, for the notice: an architecture's name.</param>
    /// <param name="usual">The one that files of the architecture have.</param>
    /// <param name="activation">The model's.</param>
    /// <param name="notices">Gets the notice.</param>
    /// <param name="key">The key, after the architecture's name, by which newer versions of llama.cpp read the activation, or null.</param>
    public static void Write(GgufMetadata metadata, string name, Activation usual, Activation activation, List<string> notices, string? key = null)
    {
        // Of the names that llama.cpp knows, others stand for a gate and its activation in one matrix.
        if (key is not null && activation is Activation.Relu or Activation.ReluSquared)
        {
            key = $"{metadata.GetString("general.architecture")}.{key}";
            metadata.Set(key, GgufValue.From(Activations.Write(activation, "")));
            notices.Add($"llama.cpp computes {Activations.Write(activation, "")} for {name} models in versions that read {key}; older ones compute {Activations.Write(usual, "")}");
            return;
        }
        if (activation != usual)
            metadata.Set(DecantKeys.Activation, GgufValue.From(Activations.Write(activation, "")));
        // llama.cpp has GELU in its tanh form only, from a table in half precision, whatever a family's config says.
        Activation computed = usual == Activation.GeluErf ? Activation.GeluTanh : usual;
        if (activation == computed)
            return;
        notices.Add(activation == Activation.GeluErf && computed == Activation.GeluTanh
            ? $"llama.cpp computes GELU in its tanh form (gelu_pytorch_tanh) for {name} models; this one wants gelu itself, which differs by up to 0.0005 for each number"
            : $"llama.cpp gives {name} models the activation {Activations.Write(computed, "gelu_pytorch_tanh")}; this one has {Activations.Write(activation, "")}");
    }
}
