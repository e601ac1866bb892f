using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>The normalizers that tokenizer.json may name. A new one is a file and a line here.</summary>
internal static class NormalizerTypes
{
    private static readonly (string Type, Func<JsonPart, Normalizer> Read)[] all =
    [
        ("Sequence", ReadSequence),
        ("Prepend", ReadPrepend),
        ("Replace", ReadReplace),
        ("NFC", part => { part.RefuseKeysExcept("type"); return new NfcNormalizer(); }),
        ("Lowercase", part => { part.RefuseKeysExcept("type"); return new LowercaseNormalizer(); }),
    ];

    /// <summary>Reads a normalizer; null if the file has none.</summary>
    public static Normalizer? Read(JsonPart part) => part.IsNull ? null : ReadOne(part);

    private static Normalizer ReadOne(JsonPart part)
    {
        string type = part["type"].GetString();
        foreach ((string name, Func<JsonPart, Normalizer> read) in all)
        {
            if (name == type)
                return read(part);
        }
        throw part.NotSupported($"the normalizer '{type}'");
    }

    private static SequenceNormalizer ReadSequence(JsonPart part)
    {
        part.RefuseKeysExcept("type", "normalizers");
        return new SequenceNormalizer([.. part["normalizers"].GetItems().Select(ReadOne)]);
    }

    private static PrependNormalizer ReadPrepend(JsonPart part)
    {
        part.RefuseKeysExcept("type", "prepend");
        return new PrependNormalizer(part["prepend"].GetString());
    }

    private static ReplaceNormalizer ReadReplace(JsonPart part)
    {
        part.RefuseKeysExcept("type", "pattern", "content");
        JsonPart pattern = part["pattern"];
        if (!pattern.Find("Regex").IsNull)
            throw pattern.NotSupported($"the regular expression '{pattern["Regex"].GetString()}' in a Replace normalizer");
        string text = pattern["String"].GetString();
        return text.Length == 0 ? throw pattern.Wrong("a string to replace", "an empty one") : new ReplaceNormalizer(text, part["content"].GetString());
    }
}
