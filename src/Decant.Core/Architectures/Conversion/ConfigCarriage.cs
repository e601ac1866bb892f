using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Core.Architectures.Conversion;

/// <summary>
/// Carries config.json through GGUF: what does not follow from the metadata travels as a JSON object under <c>decant.config</c>, so that
/// the way back gives equal values, in the spelling they had.
/// </summary>
internal static class ConfigCarriage
{
    private static readonly JsonDocumentOptions options = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    /// <summary>Stores what <paramref name="generated"/> lacks of, or has beyond, <paramref name="original"/>.</summary>
    public static void Store(GgufMetadata metadata, JsonObject original, JsonObject generated)
    {
        var carried = new JsonObject();
        // In the order of names: what a folder made from this file says in another order gives the same file again.
        foreach ((string key, JsonNode? value) in original.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!generated.TryGetPropertyValue(key, out JsonNode? same) || !AreEqual(value, same))
                carried[key] = value?.DeepClone();
        }
        string[] absent = [.. generated.Select(pair => pair.Key).Where(key => !original.ContainsKey(key)).Order(StringComparer.Ordinal)];
        metadata.Set(DecantKeys.Config, GgufValue.From(carried.ToJsonString()));
        if (absent.Length > 0)
            metadata.Set(DecantKeys.ConfigAbsent, GgufValue.From(absent));
    }

    /// <summary>Restores what was stored, if anything was.</summary>
    /// <exception cref="BadFileException">The stored text is no JSON object.</exception>
    public static JsonObject Restore(GgufMetadata metadata, JsonObject generated)
    {
        var config = new JsonObject();
        string[] absent = metadata.FindStrings(DecantKeys.ConfigAbsent) ?? [];
        foreach ((string key, JsonNode? value) in generated)
        {
            if (!absent.Contains(key))
                config[key] = value?.DeepClone();
        }
        if (metadata.FindString(DecantKeys.Config) is not { } text)
            return config;
        foreach ((string key, JsonNode? value) in Parse(metadata.Location, DecantKeys.Config, text))
            config[key] = value?.DeepClone();
        return config;
    }

    /// <summary>The generation_config.json that was carried along, or null.</summary>
    /// <exception cref="BadFileException">The stored text is no JSON object.</exception>
    public static JsonObject? FindGenerationConfig(GgufMetadata metadata) =>
        metadata.FindString(DecantKeys.GenerationConfig) is { } text ? Parse(metadata.Location, DecantKeys.GenerationConfig, text) : null;

    /// <summary>Equal values: numbers by value, however they are written.</summary>
    public static bool AreEqual(JsonNode? first, JsonNode? second)
    {
        if (first is null || second is null)
            return first is null && second is null;
        JsonValueKind kind = first.GetValueKind();
        if (kind != second.GetValueKind())
            return false;
        return (first, second) switch
        {
            (JsonObject a, JsonObject b) => a.Count == b.Count && a.All(pair => b.TryGetPropertyValue(pair.Key, out JsonNode? value) && AreEqual(pair.Value, value)),
            (JsonArray a, JsonArray b) => a.Count == b.Count && a.Zip(b).All(pair => AreEqual(pair.First, pair.Second)),
            _ when kind == JsonValueKind.Number => Number(first) == Number(second),
            _ => JsonNode.DeepEquals(first, second),
        };
    }

    private static JsonObject Parse(string location, string key, string text)
    {
        try
        {
            if (JsonNode.Parse(text, null, options) is JsonObject config)
                return config;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new BadFileException($"{location}: metadata key {key}: {error.Message}", error);
        }
        throw BadFileException.Expected(location, $"metadata key {key}", "a JSON object", "other JSON");
    }

    private static double Number(JsonNode node) => double.Parse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
}
