using Decant.Core.Errors;

namespace Decant.Core.Files;

/// <summary>Types of GGUF metadata values, numbered as in the file.</summary>
public enum GgufValueType : uint
{
    /// <summary>8-bit unsigned.</summary>
    UInt8 = 0,
    /// <summary>8-bit signed.</summary>
    Int8 = 1,
    /// <summary>16-bit unsigned.</summary>
    UInt16 = 2,
    /// <summary>16-bit signed.</summary>
    Int16 = 3,
    /// <summary>32-bit unsigned.</summary>
    UInt32 = 4,
    /// <summary>32-bit signed.</summary>
    Int32 = 5,
    /// <summary>IEEE single.</summary>
    Float32 = 6,
    /// <summary>One byte, 0 or 1.</summary>
    Bool = 7,
    /// <summary>UTF-8 with a 64-bit length.</summary>
    String = 8,
    /// <summary>Typed, counted array; may nest.</summary>
    Array = 9,
    /// <summary>64-bit unsigned.</summary>
    UInt64 = 10,
    /// <summary>64-bit signed.</summary>
    Int64 = 11,
    /// <summary>IEEE double.</summary>
    Float64 = 12,
}

/// <summary>
/// One GGUF metadata value. <see cref="Value"/> is the matching .NET type: <see cref="byte"/> … <see cref="double"/>,
/// <see cref="bool"/>, <see cref="string"/>, or for arrays a typed array of these (<c>string[]</c>, <c>float[]</c>, …;
/// <c>GgufValue[]</c> for arrays of arrays).
/// </summary>
/// <param name="Type">The type in the file.</param>
/// <param name="Value">The value.</param>
/// <param name="ElementType">For arrays the element type in the file, else null.</param>
public sealed record GgufValue(GgufValueType Type, object Value, GgufValueType? ElementType = null)
{
    /// <summary>A 32-bit unsigned value.</summary>
    public static GgufValue From(uint value) => new(GgufValueType.UInt32, value);

    /// <summary>A 32-bit signed value.</summary>
    public static GgufValue From(int value) => new(GgufValueType.Int32, value);

    /// <summary>A 64-bit unsigned value.</summary>
    public static GgufValue From(ulong value) => new(GgufValueType.UInt64, value);

    /// <summary>A single-precision value.</summary>
    public static GgufValue From(float value) => new(GgufValueType.Float32, value);

    /// <summary>A boolean.</summary>
    public static GgufValue From(bool value) => new(GgufValueType.Bool, value);

    /// <summary>A string.</summary>
    public static GgufValue From(string value) => new(GgufValueType.String, value);

    /// <summary>An array of strings.</summary>
    public static GgufValue From(string[] values) => new(GgufValueType.Array, values, GgufValueType.String);

    /// <summary>An array of singles.</summary>
    public static GgufValue From(float[] values) => new(GgufValueType.Array, values, GgufValueType.Float32);

    /// <summary>An array of 32-bit signed integers.</summary>
    public static GgufValue From(int[] values) => new(GgufValueType.Array, values, GgufValueType.Int32);

    /// <summary>An array of 32-bit unsigned integers.</summary>
    public static GgufValue From(uint[] values) => new(GgufValueType.Array, values, GgufValueType.UInt32);

    /// <summary>An array of booleans.</summary>
    public static GgufValue From(bool[] values) => new(GgufValueType.Array, values, GgufValueType.Bool);

    /// <summary>An array of UINT8.</summary>
    public static GgufValue From(byte[] values) => new(GgufValueType.Array, values, GgufValueType.UInt8);
}

/// <summary>
/// The metadata of a GGUF file: keys in file order, unknown ones kept. The typed getters widen any integer type, and throw
/// <see cref="BadFileException"/> naming file and key when the value is missing or of another kind.
/// </summary>
/// <param name="location">The file, for messages.</param>
public sealed class GgufMetadata(string location)
{
    private readonly List<KeyValuePair<string, GgufValue>> entries = [];
    private readonly Dictionary<string, int> index = new(StringComparer.Ordinal);

    /// <summary>The file this came from (for messages).</summary>
    public string Location { get; } = location;

    /// <summary>All entries in file order.</summary>
    public IReadOnlyList<KeyValuePair<string, GgufValue>> Entries => entries;

    /// <summary>The value of a key, or null.</summary>
    public GgufValue? Find(string key) => index.TryGetValue(key, out int i) ? entries[i].Value : null;

    /// <summary>Adds a key at the end, or replaces its value where it stands.</summary>
    public void Set(string key, GgufValue value)
    {
        if (index.TryGetValue(key, out int i))
        {
            entries[i] = new(key, value);
            return;
        }
        index.Add(key, entries.Count);
        entries.Add(new(key, value));
    }

    /// <summary>Removes a key if present.</summary>
    public void Remove(string key)
    {
        if (!index.Remove(key, out int i))
            return;
        entries.RemoveAt(i);
        for (; i < entries.Count; i++)
            index[entries[i].Key] = i;
    }

    /// <summary>A copy that can be changed.</summary>
    public GgufMetadata Copy()
    {
        var copy = new GgufMetadata(Location);
        foreach ((string key, GgufValue value) in entries)
            copy.Set(key, value);
        return copy;
    }

    /// <summary>The string value of a key, or null if the key is absent.</summary>
    public string? FindString(string key) => Find(key) switch
    {
        null => null,
        { Value: string s } => s,
        var other => throw Wrong(key, "a string", other),
    };

    /// <summary>The integer value of a key (any integer type), or null if the key is absent.</summary>
    public long? FindInteger(string key) => Find(key) switch
    {
        null => null,
        var value => AsInteger(value.Value) ?? throw Wrong(key, "an integer", value),
    };

    /// <summary>The floating-point value of a key (F32, F64 or any integer), or null if the key is absent.</summary>
    public double? FindNumber(string key) => Find(key) switch
    {
        null => null,
        { Value: float f } => f,
        { Value: double d } => d,
        var value => AsInteger(value.Value) ?? throw Wrong(key, "a number", value),
    };

    /// <summary>The boolean value of a key, or null if the key is absent.</summary>
    public bool? FindBool(string key) => Find(key) switch
    {
        null => null,
        { Value: bool b } => b,
        var other => throw Wrong(key, "true or false", other),
    };

    /// <summary>The string array of a key, or null if the key is absent.</summary>
    public string[]? FindStrings(string key) => FindArray<string>(key, "an array of strings");

    /// <summary>The F32 array of a key, or null if the key is absent.</summary>
    public float[]? FindSingles(string key) => FindArray<float>(key, "an array of F32");

    /// <summary>The array of bytes (UINT8 or INT8) of a key, or null if the key is absent.</summary>
    public byte[]? FindBytes(string key) => Find(key) switch
    {
        null => null,
        // The runtime lets sbyte[] pass as byte[], and both have the same bits.
        { Value: byte[] bytes } => [.. bytes],
        var other => throw Wrong(key, "an array of bytes", other),
    };

    /// <summary>An array of any integer type widened to 64 bits, or null if the key is absent.</summary>
    public long[]? FindIntegers(string key)
    {
        GgufValue? value = Find(key);
        if (value is null)
            return null;
        if (value.Value is not Array array || value.Value is GgufValue[])
            throw Wrong(key, "an array of integers", value);
        long[] result = new long[array.Length];
        // The usual type, without making an object of each. No type test by "is", which takes uint[] for int[].
        if (array.GetType() == typeof(int[]))
        {
            int[] plain = (int[])array;
            for (int i = 0; i < plain.Length; i++)
                result[i] = plain[i];
            return result;
        }
        for (int i = 0; i < result.Length; i++)
            result[i] = AsInteger(array.GetValue(i)!) ?? throw Wrong(key, "an array of integers", value);
        return result;
    }

    /// <summary>The string value of a key that must be there.</summary>
    public string GetString(string key) => FindString(key) ?? throw Missing(key, "a string");

    /// <summary>The integer value of a key that must be there.</summary>
    public long GetInteger(string key) => FindInteger(key) ?? throw Missing(key, "an integer");

    /// <summary>The number of a key that must be there.</summary>
    public double GetNumber(string key) => FindNumber(key) ?? throw Missing(key, "a number");

    private T[]? FindArray<T>(string key, string expected) => Find(key) switch
    {
        null => null,
        { Value: T[] array } => array,
        var other => throw Wrong(key, expected, other),
    };

    private static long? AsInteger(object value) => value switch
    {
        byte v => v,
        sbyte v => v,
        ushort v => v,
        short v => v,
        uint v => v,
        int v => v,
        long v => v,
        ulong v when v <= long.MaxValue => (long)v,
        _ => null,
    };

    private BadFileException Wrong(string key, string expected, GgufValue got) =>
        BadFileException.Expected(Location, $"metadata key {key}", expected, got.ElementType is { } element ? $"an array of {element}" : $"{got.Type} {got.Value}");

    private BadFileException Missing(string key, string expected) =>
        BadFileException.Expected(Location, $"metadata key {key}", expected, "no such key");
}
