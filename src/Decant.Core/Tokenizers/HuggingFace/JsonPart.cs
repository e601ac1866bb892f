using System.Text.Json;
using Decant.Core.Errors;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>
/// A place in a tokenizer file, read with messages that name the file and the key. Strings that are no valid UTF-16 and numbers out of range
/// are bad files like any other surprise.
/// </summary>
internal readonly struct JsonPart(JsonElement element, string file, string path, int index = -1, string? member = null)
{
    /// <summary>The file, for messages.</summary>
    public string File => file;

    /// <summary>The key, as in <c>model.merges[3]</c>. It is put together for messages alone: files have millions of places.</summary>
    public string Path
    {
        get
        {
            string item = index < 0 ? path : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{path}[{index}]");
            return member is null ? item : item.Length == 0 ? member : $"{item}.{member}";
        }
    }

    /// <summary>What stands there.</summary>
    public JsonValueKind Kind => element.ValueKind;

    /// <summary>True if there is nothing, or null.</summary>
    public bool IsNull => element.ValueKind is JsonValueKind.Null or JsonValueKind.Undefined;

    /// <summary>A member that must be there.</summary>
    public JsonPart this[string name]
    {
        get
        {
            JsonPart part = Find(name);
            return part.IsNull ? throw Wrong($"a key '{name}'", "none") : part;
        }
    }

    /// <summary>A member, or an empty part.</summary>
    public JsonPart Find(string name)
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw WrongKind("an object");
        element.TryGetProperty(name, out JsonElement value);
        return member is null ? new JsonPart(value, file, path, index, name) : new JsonPart(value, file, Path, member: name);
    }

    /// <summary>The string.</summary>
    public string GetString()
    {
        if (element.ValueKind != JsonValueKind.String)
            throw WrongKind("a string");
        try
        {
            return element.GetString()!;
        }
        catch (InvalidOperationException)
        {
            throw Wrong("a string of valid Unicode", "half a surrogate pair or broken UTF-8");
        }
    }

    /// <summary>The boolean, or the default if there is none.</summary>
    public bool GetBoolean(bool defaultValue) => element.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.Undefined or JsonValueKind.Null => defaultValue,
        _ => throw WrongKind("true or false"),
    };

    /// <summary>The 32-bit integer.</summary>
    public int GetInteger() => element.ValueKind == JsonValueKind.Number && element.TryGetInt32(out int value)
        ? value
        : throw WrongKind("an integer of 32 bits");

    /// <summary>The number.</summary>
    public double GetNumber() => element.ValueKind == JsonValueKind.Number && element.TryGetDouble(out double value) ? value : throw WrongKind("a number");

    /// <summary>The entries of an array.</summary>
    public IEnumerable<JsonPart> GetItems()
    {
        if (element.ValueKind != JsonValueKind.Array)
            throw WrongKind("an array");
        return Items(element, File, index < 0 && member is null ? path : Path);
        static IEnumerable<JsonPart> Items(JsonElement array, string file, string path)
        {
            int index = 0;
            foreach (JsonElement item in array.EnumerateArray())
                yield return new JsonPart(item, file, path, index++);
        }
    }

    /// <summary>Number of entries of an array.</summary>
    public int GetItemCount() => element.ValueKind == JsonValueKind.Array ? element.GetArrayLength() : throw WrongKind("an array");

    /// <summary>The members of an object, in order.</summary>
    public IEnumerable<(string Name, JsonPart Value)> GetMembers()
    {
        if (element.ValueKind != JsonValueKind.Object)
            throw WrongKind("an object");
        return Members(this, element, file, path, index, member);
        static IEnumerable<(string, JsonPart)> Members(JsonPart parent, JsonElement members, string file, string path, int index, string? member)
        {
            foreach (JsonProperty property in members.EnumerateObject())
                yield return (parent.NameOf(property), new JsonPart(property.Value, file, path, index, member));
        }
    }

    /// <summary>Refuses members other than these, for an unknown key may change what the tokenizer does.</summary>
    /// <exception cref="NotSupportedModelException">Another key with a value other than null.</exception>
    public void RefuseKeysExcept(params ReadOnlySpan<string> known)
    {
        foreach ((string name, JsonPart value) in GetMembers())
        {
            if (!value.IsNull && !known.Contains(name))
                throw new NotSupportedModelException($"{File}: {Path}: the key '{name}' is not supported (known: {string.Join(", ", known!)}).");
        }
    }

    /// <summary>An error: this was expected here, that was found.</summary>
    public BadFileException Wrong(string expected, string got) => BadFileException.Expected(File, Path.Length == 0 ? "the file" : Path, expected, got);

    /// <summary>An error: a feature by this name is not supported here.</summary>
    public NotSupportedModelException NotSupported(string what) => new($"{File}: {(Path.Length == 0 ? "the file" : Path)}: {what} is not supported.");

    private BadFileException WrongKind(string expected) => Wrong(expected, element.ValueKind switch
    {
        JsonValueKind.Undefined => "nothing",
        JsonValueKind.Number => "the number " + element.GetRawText(),
        JsonValueKind.String => "a string",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        _ => element.GetRawText(),
    });

    private string NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            throw Wrong("keys of valid Unicode", "half a surrogate pair or broken UTF-8");
        }
    }
}
