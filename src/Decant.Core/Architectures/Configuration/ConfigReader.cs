using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Errors;

namespace Decant.Core.Architectures.Configuration;

/// <summary>
/// Reads a Hugging Face config.json key by key and remembers which keys were read, so that <see cref="Finish"/> can refuse the rest:
/// a key nobody read might change the numbers. A value of the wrong type, missing or contradicting is a damaged file; a
/// value or key without an implementation is not supported.
/// </summary>
internal sealed class ConfigReader
{
    /// <summary>The largest count a config may state: a hostile file must not make the reader allocate by its word.</summary>
    public const int MaximumCount = 1 << 28;

    private const int MaximumArrayLength = 1 << 16;

    private readonly JsonObject config;
    private readonly string path;
    private readonly HashSet<string> read = new(StringComparer.Ordinal);
    private readonly List<ConfigReader> sections = [];

    /// <summary>Reads <paramref name="config"/>.</summary>
    /// <param name="location">The file, for messages.</param>
    /// <param name="config">Its content.</param>
    public ConfigReader(string location, JsonObject config)
        : this(location, config, "")
    {
    }

    private ConfigReader(string location, JsonObject config, string path)
    {
        Location = location;
        this.config = config;
        this.path = path;
    }

    /// <summary>The file, for messages.</summary>
    public string Location { get; }

    /// <summary>True if the key is there and not null; does not count as reading it.</summary>
    public bool Has(string key) => config.TryGetPropertyValue(key, out JsonNode? node) && node is not null;

    /// <summary>True if the key is there, be it null; does not count as reading it.</summary>
    public bool HasEvenNull(string key) => config.ContainsKey(key);

    /// <summary>True if the key is there and an array; does not count as reading it.</summary>
    public bool IsArray(string key) => config.TryGetPropertyValue(key, out JsonNode? node) && node is JsonArray;

    /// <summary>True if the first of the classes that the config was written for ends so; does not count as reading the key.</summary>
    public bool ClassEndsWith(string end) =>
        config["architectures"] is JsonArray { Count: > 0 } names && names[0] is JsonValue value && value.TryGetValue(out string? name) && name.EndsWith(end, StringComparison.Ordinal);

    /// <summary>Names of the keys in this object.</summary>
    public IEnumerable<string> Keys => config.Select(pair => pair.Key);

    /// <summary>A whole number from 1 to <paramref name="maximum"/> that must be there.</summary>
    public int GetCount(string key, int maximum = MaximumCount) => FindCount(key, maximum) ?? throw Missing(key, "a whole number");

    /// <summary>A whole number from 1 to <paramref name="maximum"/>, or null if the key is absent or null.</summary>
    public int? FindCount(string key, int maximum = MaximumCount) => FindWhole(key, 1, maximum);

    /// <summary>A whole number from 0 on, or null if the key is absent or null.</summary>
    public int? FindCountOrNone(string key) => FindWhole(key, 0, MaximumCount);

    /// <summary>A whole number within bounds, or null if the key is absent or null.</summary>
    public int? FindWhole(string key, int minimum, int maximum)
    {
        if (Take(key) is not { } node)
            return null;
        string expected = $"a whole number from {minimum} to {maximum}";
        return node.GetValueKind() == JsonValueKind.Number
            && long.TryParse(node.ToJsonString(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long value)
            && value >= minimum && value <= maximum
            ? (int)value
            : throw Wrong(key, expected, node);
    }

    /// <summary>A finite number that must be there.</summary>
    public double GetNumber(string key) => FindNumber(key) ?? throw Missing(key, "a number");

    /// <summary>A finite number, or null if the key is absent or null.</summary>
    public double? FindNumber(string key) => Take(key) is { } node ? Number(key, node) : null;

    /// <summary>A number above zero that single precision can hold, or null if the key is absent or null.</summary>
    public double? FindPositive(string key)
    {
        if (Take(key) is not { } node)
            return null;
        double value = Number(key, node);
        return value > 0 && float.IsFinite((float)value) && (float)value > 0 ? value : throw Wrong(key, "a number above 0", node);
    }

    /// <summary>A number above zero that must be there.</summary>
    public double GetPositive(string key) => FindPositive(key) ?? throw Missing(key, "a number above 0");

    /// <summary>True or false; <paramref name="absent"/> if the key is absent or null.</summary>
    public bool GetFlag(string key, bool absent) => Take(key) is not { } node
        ? absent
        : node.GetValueKind() switch
        {
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => throw Wrong(key, "true or false", node),
        };

    /// <summary>A string, or null if the key is absent or null.</summary>
    public string? FindText(string key) => Take(key) is not { } node
        ? null
        : node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : throw Wrong(key, "a string", node);

    /// <summary>A string, or null if the key is absent or something else: for keys that take a number or a word.</summary>
    public string? FindWord(string key) => Take(key) is { } node && node.GetValueKind() == JsonValueKind.String ? node.GetValue<string>() : null;

    /// <summary>An array of finite numbers, or null if the key is absent or null.</summary>
    public ImmutableArray<double>? FindNumbers(string key)
    {
        if (Take(key) is not { } node)
            return null;
        if (node is not JsonArray array || array.Count > MaximumArrayLength)
            throw Wrong(key, "an array of numbers", node);
        return [.. array.Select(item => item is null ? throw Wrong(key, "an array of numbers", node) : Number(key, item))];
    }

    /// <summary>A pair of numbers from 0 on, the second perhaps infinite (<c>Infinity</c>, or transformers' <c>{"__float__": "Infinity"}</c>), or null if the key is absent or null.</summary>
    public (double Least, double Largest)? FindRange(string key)
    {
        if (Take(key) is not { } node)
            return null;
        const string Expected = "two numbers, the first from 0 on and the second above it";
        if (node is not JsonArray { Count: 2 } array || array[0] is not { } first || array[1] is not { } second)
            throw Wrong(key, Expected, node);
        double least = Number(key, first);
        double largest = IsInfinity(second) ? double.PositiveInfinity : Number(key, second);
        return least >= 0 && largest > least ? (least, largest) : throw Wrong(key, Expected, node);
    }

    /// <summary>An array of whole numbers from 0 on, or null if the key is absent or null.</summary>
    public ImmutableArray<int>? FindCounts(string key)
    {
        if (FindNumbers(key) is not { } numbers)
            return null;
        return numbers.All(number => number >= 0 && number <= MaximumCount && number == Math.Floor(number))
            ? [.. numbers.Select(number => (int)number)]
            : throw Contradiction(key, "an array of whole numbers");
    }

    /// <summary>An array of strings, or null if the key is absent or null.</summary>
    public ImmutableArray<string>? FindTexts(string key)
    {
        if (Take(key) is not { } node)
            return null;
        if (node is not JsonArray array || array.Count > MaximumArrayLength)
            throw Wrong(key, "an array of strings", node);
        return [.. array.Select(item => item?.GetValueKind() == JsonValueKind.String ? item.GetValue<string>() : throw Wrong(key, "an array of strings", node))];
    }

    /// <summary>A nested object, or null if the key is absent or null. <see cref="Finish"/> covers it too.</summary>
    public ConfigReader? FindSection(string key)
    {
        if (Take(key) is not { } node)
            return null;
        if (node is not JsonObject section)
            throw Wrong(key, "an object", node);
        string name = path + key + ".";
        if (sections.FirstOrDefault(known => known.path == name) is { } again)
            return again;
        var reader = new ConfigReader(Location, section, name);
        sections.Add(reader);
        return reader;
    }

    /// <summary>Refuses a switch that is on: this key changes the numbers in a way Decant does not implement.</summary>
    public void RequireOff(string key)
    {
        if (GetFlag(key, absent: false))
            throw NotSupported(key, "false");
    }

    /// <summary>Refuses a factor or period other than 1: such a key changes the numbers in a way Decant does not implement.</summary>
    public void RequireOne(string key)
    {
        if (FindNumber(key) is { } value && value != 1)
            throw NotSupported(key, "1");
    }

    /// <summary>The first of these keys that is there and not null, else the first of all: for keys with an older spelling.</summary>
    public string FirstOf(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
        {
            if (Has(key))
                return key;
        }
        return keys[0];
    }

    /// <summary>Marks keys as read that change nothing in this family.</summary>
    public void Ignore(params ReadOnlySpan<string> keys)
    {
        foreach (string key in keys)
            read.Add(key);
    }

    /// <summary>Refuses the first key that nobody read, unless it is null or known to be harmless at inference.</summary>
    /// <exception cref="NotSupportedModelException">There is one; the message names it and its value.</exception>
    public void Finish()
    {
        foreach ((string key, JsonNode? value) in config)
        {
            if (value is null || read.Contains(key) || (path.Length == 0 && HarmlessKeys.Contains(key)))
                continue;
            if (path.Length == 0 && key == "quantization_config")
            {
                throw new NotSupportedModelException(
                    $"{Location}: quantization_config: {Show(value)} is not supported. The weights of this checkpoint are quantized already, in a form that Decant does not read; use the original checkpoint.");
            }
            throw new NotSupportedModelException(
                $"{Location}: {path}{key}: {Show(value)} is not supported. Decant does not know this key for this kind of model and will not ignore it, for it might change the results.");
        }
        foreach (ConfigReader section in sections)
            section.Finish();
    }

    /// <summary>The error for a value that contradicts another or the tensors.</summary>
    public BadFileException Contradiction(string key, string expected)
    {
        config.TryGetPropertyValue(key, out JsonNode? node);
        return Wrong(key, expected, node);
    }

    /// <summary>The error for a value that is valid but not implemented.</summary>
    public NotSupportedModelException NotSupported(string key, string supported)
    {
        config.TryGetPropertyValue(key, out JsonNode? node);
        return new($"{Location}: {path}{key}: {Show(node)} is not supported. Supported: {supported}.");
    }

    private JsonNode? Take(string key)
    {
        read.Add(key);
        return config.TryGetPropertyValue(key, out JsonNode? node) ? node : null;
    }

    private static bool IsInfinity(JsonNode node) =>
        node is JsonObject { Count: 1 } tagged && tagged["__float__"] is JsonValue text && text.GetValueKind() == JsonValueKind.String && text.GetValue<string>() == "Infinity"
        || node.GetValueKind() == JsonValueKind.Number
        && double.TryParse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double value) && double.IsPositiveInfinity(value);

    private double Number(string key, JsonNode node) =>
        node.GetValueKind() == JsonValueKind.Number
        && double.TryParse(node.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture, out double value)
        && double.IsFinite(value)
            ? value
            : throw Wrong(key, "a number", node);

    private BadFileException Missing(string key, string expected) =>
        BadFileException.Expected(Location, path + key, expected, HasEvenNull(key) ? "null" : "no such key");

    private BadFileException Wrong(string key, string expected, JsonNode? got) =>
        BadFileException.Expected(Location, path + key, expected, Show(got));

    private static string Show(JsonNode? node)
    {
        string text = node?.ToJsonString() ?? "null";
        return text.Length <= 60 ? text : text[..57] + "...";
    }
}
