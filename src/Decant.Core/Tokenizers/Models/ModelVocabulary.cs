using System.Buffers;
using System.Text;
using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.Models;

/// <summary>The tokens of a model by id and by text. Ids may have gaps; no id and no text occurs twice.</summary>
internal sealed class ModelVocabulary
{
    /// <summary>The largest id a vocabulary may use; the largest known vocabularies have 262,144 tokens.</summary>
    public const int MaxTokenId = (1 << 21) - 1;

    private readonly string?[] texts;
    private readonly Dictionary<string, int> ids;

    /// <summary>Takes tokens in any order.</summary>
    /// <param name="tokens">Text and id.</param>
    /// <param name="location">File and key, for messages.</param>
    /// <exception cref="BadFileException">An id out of range, or an id or text that occurs twice.</exception>
    public ModelVocabulary(KeyValuePair<string, int>[] tokens, string location)
    {
        ids = new Dictionary<string, int>(tokens.Length, StringComparer.Ordinal);
        int maxId = -1;
        foreach ((string text, int id) in tokens)
        {
            if (id is < 0 or > MaxTokenId)
                throw BadFileException.Expected(location, $"token {Quote(text)}", $"an id from 0 to {MaxTokenId}", $"{id}");
            if (!ids.TryAdd(text, id))
                throw new BadFileException($"{location}: token {Quote(text)} occurs twice, with ids {ids[text]} and {id}.");
            maxId = Math.Max(maxId, id);
            MaxTextLength = Math.Max(MaxTextLength, text.Length);
        }
        texts = new string?[maxId + 1];
        foreach ((string text, int id) in tokens)
        {
            if (texts[id] is { } other)
                throw new BadFileException($"{location}: tokens {Quote(other)} and {Quote(text)} have the same id {id}.");
            texts[id] = text;
        }
        CharacterLookup = ids.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>One more than the largest id.</summary>
    public int Count => texts.Length;

    /// <summary>The length of the longest text in UTF-16 units.</summary>
    public int MaxTextLength { get; }

    /// <summary>Looks texts up without making strings.</summary>
    public Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> CharacterLookup { get; }

    /// <summary>The text of an id, or null if there is none.</summary>
    public string? FindText(int id) => (uint)id < (uint)texts.Length ? texts[id] : null;

    /// <summary>The id of a text, or null.</summary>
    public int? FindId(string text) => ids.TryGetValue(text, out int id) ? id : null;

    /// <summary>The id of a text in UTF-8, or null.</summary>
    public int? FindUtf8(ReadOnlySpan<byte> text)
    {
        // A UTF-16 unit takes at most three bytes.
        if (text.Length > 3L * MaxTextLength)
            return null;
        char[] characters = ArrayPool<char>.Shared.Rent(text.Length);
        int length = Encoding.UTF8.GetChars(text, characters);
        bool isFound = CharacterLookup.TryGetValue(characters.AsSpan(0, length), out int id);
        ArrayPool<char>.Shared.Return(characters);
        return isFound ? id : null;
    }

    /// <summary>Reads a vocabulary as tokenizer.json and vocab.json have it: texts as keys, ids as values.</summary>
    public static ModelVocabulary Read(JsonPart vocab)
    {
        var tokens = new List<KeyValuePair<string, int>>();
        foreach ((string text, JsonPart id) in vocab.GetMembers())
            tokens.Add(new(text, id.GetInteger()));
        return new ModelVocabulary([.. tokens], vocab.Path.Length == 0 ? vocab.File : $"{vocab.File}: {vocab.Path}");
    }

    /// <summary>Writes the vocabulary as tokenizer.json does, with its key.</summary>
    public void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("vocab");
        for (int id = 0; id < Count; id++)
        {
            if (texts[id] is { } text)
                writer.WriteNumber(text, id);
        }
        writer.WriteEndObject();
    }

    /// <summary>A token text for a message: short, in quotes, control characters escaped.</summary>
    public static string Quote(string text)
    {
        const int limit = 60;
        var shown = new StringBuilder("'");
        foreach (char c in text.Length > limit ? text.AsSpan(0, limit) : text)
        {
            if (char.IsControl(c))
                shown.Append(System.Globalization.CultureInfo.InvariantCulture, $"\\u{(int)c:x4}");
            else
                shown.Append(c);
        }
        return shown.Append(text.Length > limit ? "…'" : "'").ToString();
    }
}
