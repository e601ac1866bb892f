using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.PreTokenizers.Patterns;

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
        ("NFKC", part => { part.RefuseKeysExcept("type"); return new NfcNormalizer(compatibility: true); }),
        ("NFD", part => { part.RefuseKeysExcept("type"); return new DecomposingNormalizer(compatibility: false); }),
        ("NFKD", part => { part.RefuseKeysExcept("type"); return new DecomposingNormalizer(compatibility: true); }),
        ("StripAccents", part => { part.RefuseKeysExcept("type"); return FilterNormalizer.StripAccents; }),
        ("Strip", ReadStrip),
        ("BertNormalizer", ReadBert),
        ("Precompiled", ReadPrecompiled),
        ("Nmt", part => { part.RefuseKeysExcept("type"); return new NmtNormalizer(); }),
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

    private static StripNormalizer ReadStrip(JsonPart part)
    {
        part.RefuseKeysExcept("type", "strip_left", "strip_right");
        return new StripNormalizer(part.Find("strip_left").GetBoolean(true), part.Find("strip_right").GetBoolean(true));
    }

    private static BertNormalizer ReadBert(JsonPart part)
    {
        part.RefuseKeysExcept("type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase");
        JsonPart accents = part.Find("strip_accents");
        return new BertNormalizer(
            part.Find("clean_text").GetBoolean(true),
            part.Find("handle_chinese_chars").GetBoolean(true),
            accents.IsNull ? null : accents.GetBoolean(false),
            part.Find("lowercase").GetBoolean(true));
    }

    private static PrecompiledNormalizer ReadPrecompiled(JsonPart part)
    {
        part.RefuseKeysExcept("type", "precompiled_charsmap");
        JsonPart map = part["precompiled_charsmap"];
        byte[] encoded = new byte[map.GetString().Length];
        return Convert.TryFromBase64String(map.GetString(), encoded, out int length)
            ? new PrecompiledNormalizer(CharacterMap.Read(encoded[..length], $"{map.File}: {map.Path}"))
            : throw map.Wrong("a SentencePiece character map in base 64", "something else");
    }

    private static Normalizer ReadReplace(JsonPart part)
    {
        part.RefuseKeysExcept("type", "pattern", "content");
        JsonPart pattern = part["pattern"];
        if (!pattern.Find("Regex").IsNull)
        {
            string regex = pattern["Regex"].GetString();
            if (regex == SpacesNormalizer.Pattern)
                return new SpacesNormalizer(part["content"].GetString());
            try
            {
                return new PatternReplaceNormalizer(new CodePointPattern(regex, isRegex: true), part["content"].GetString());
            }
            catch (FormatException e)
            {
                throw pattern.NotSupported($"the regular expression {PatternExcerpt.Of(regex)} in a Replace normalizer: {e.Message}");
            }
        }
        string text = pattern["String"].GetString();
        return text.Length == 0 ? throw pattern.Wrong("a string to replace", "an empty one") : new ReplaceNormalizer(text, part["content"].GetString());
    }
}
