using System.Text.Json.Nodes;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Gguf;

namespace Decant.Core.Architectures.Conversion;

/// <summary>The ids with a meaning of their own that a config.json states, as keys of a GGUF file.</summary>
internal static class TokenIdKeys
{
    private static readonly (string Config, string Gguf)[] keys =
        [("bos_token_id", GgufKeys.BosId), ("eos_token_id", GgufKeys.EosId), ("pad_token_id", GgufKeys.PaddingId)];

    /// <summary>Writes the ids of a model without a tokenizer, from which they would come otherwise.</summary>
    public static void Store(Model model, GgufMetadata metadata)
    {
        foreach ((string config, string gguf) in keys)
        {
            JsonNode? stated = model.Source.HuggingFace?.Config[config];
            // Of several ends the first is the usual one.
            if ((stated is JsonArray { Count: > 0 } several ? several[0] : stated) is JsonValue value && value.TryGetValue(out int id) && id >= 0 && id < model.Spec.VocabularySize)
                metadata.Set(gguf, GgufValue.From((uint)id));
        }
    }

    /// <summary>
    /// Adds the ids that a file states to a config. Where it states neither first nor last token they are null: transformers would take those of its config class, which
    /// are ordinary tokens of another vocabulary.
    /// </summary>
    public static void Restore(GgufMetadata metadata, JsonObject config)
    {
        foreach ((string name, string gguf) in keys)
        {
            if (metadata.FindInteger(gguf) is { } id)
                config[name] = id;
            else if (gguf != GgufKeys.PaddingId)
                config[name] = null;
        }
    }
}
