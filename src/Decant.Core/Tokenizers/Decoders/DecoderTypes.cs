using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.Decoders;

/// <summary>The decoders that tokenizer.json may name. A new one is a file and a line here.</summary>
internal static class DecoderTypes
{
    private static readonly (string Type, Func<JsonPart, TokenDecoder> Read)[] all =
    [
        ("ByteLevel", ReadByteLevel),
        ("WordPiece", ReadWordPiece),
        ("Metaspace", ReadMetaspace),
        ("BPEDecoder", ReadSuffix),
        ("Sequence", ReadSequence),
        ("Replace", part => ReadChain(part, [part])),
        ("ByteFallback", part => ReadChain(part, [part])),
        ("Fuse", part => ReadChain(part, [part])),
    ];

    /// <summary>Reads a decoder.</summary>
    public static TokenDecoder Read(JsonPart part)
    {
        if (part.IsNull)
            return new SpacedDecoder();
        string type = part["type"].GetString();
        foreach ((string name, Func<JsonPart, TokenDecoder> read) in all)
        {
            if (name == type)
                return read(part);
        }
        throw part.NotSupported($"the decoder '{type}'");
    }

    private static ByteLevelDecoder ReadByteLevel(JsonPart part)
    {
        part.RefuseKeysExcept("type", "add_prefix_space", "trim_offsets", "use_regex");
        return new ByteLevelDecoder(
            part.Find("add_prefix_space").GetBoolean(true), part.Find("trim_offsets").GetBoolean(true), part.Find("use_regex").GetBoolean(true));
    }

    private static WordPieceDecoder ReadWordPiece(JsonPart part)
    {
        part.RefuseKeysExcept("type", "prefix", "cleanup");
        return new WordPieceDecoder(part.Find("prefix").IsNull ? "##" : part["prefix"].GetString(), part.Find("cleanup").GetBoolean(true));
    }

    private static MetaspaceDecoder ReadMetaspace(JsonPart part)
    {
        part.RefuseKeysExcept("type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep");
        string replacement = part["replacement"].GetString();
        return replacement.Length == 0
            ? throw part.Wrong("a replacement", "an empty one")
            : new MetaspaceDecoder(replacement, PreTokenizers.PreTokenizerTypes.ReadScheme(part), part.Find("split").GetBoolean(true));
    }

    private static SuffixDecoder ReadSuffix(JsonPart part)
    {
        part.RefuseKeysExcept("type", "suffix");
        string suffix = part.Find("suffix").IsNull ? "</w>" : part["suffix"].GetString();
        return suffix.Length == 0 ? throw part.Wrong("a suffix", "an empty one") : new SuffixDecoder(suffix);
    }

    private static TokenDecoder ReadSequence(JsonPart part)
    {
        part.RefuseKeysExcept("type", "decoders");
        JsonPart[] parts = [.. part["decoders"].GetItems()];
        return parts.Length == 1 ? Read(parts[0]) : ReadChain(part, parts);
    }

    private static SentencePieceDecoder ReadChain(JsonPart whole, JsonPart[] parts)
    {
        var replacements = new List<(string, string)>();
        bool hasByteFallback = false;
        bool isFused = false;
        (char, int, int)? strip = null;
        int stage = 0;
        foreach (JsonPart part in parts)
        {
            string type = part["type"].GetString();
            int partStage = type switch { "Replace" => 0, "ByteFallback" => 1, "Fuse" => 2, "Strip" => 3, _ => throw part.NotSupported($"the decoder '{type}' in a sequence") };
            if (partStage < stage || partStage == stage && partStage != 0 || partStage == 3 && !isFused)
                throw whole.NotSupported($"the order {string.Join(", ", parts.Select(p => p["type"].GetString()))} of decoders");
            stage = partStage;
            switch (type)
            {
                case "Replace":
                    replacements.Add(ReadReplace(part));
                    break;
                case "ByteFallback":
                    hasByteFallback = true;
                    break;
                case "Fuse":
                    isFused = true;
                    break;
                default:
                    strip = ReadStrip(part);
                    break;
            }
        }
        return new SentencePieceDecoder(replacements, hasByteFallback, isFused, strip);
    }

    private static (string Pattern, string Content) ReadReplace(JsonPart part)
    {
        part.RefuseKeysExcept("type", "pattern", "content");
        string pattern = part["pattern"].Find("Regex").IsNull
            ? part["pattern"]["String"].GetString()
            : throw part.NotSupported("a regular expression in a Replace decoder");
        return pattern.Length == 0 ? throw part.Wrong("a string to replace", "an empty one") : (pattern, part["content"].GetString());
    }

    private static (char Content, int Start, int Stop) ReadStrip(JsonPart part)
    {
        part.RefuseKeysExcept("type", "content", "start", "stop");
        string content = part["content"].GetString();
        if (content.Length != 1)
            throw part.Wrong("one character to strip", $"'{content}'");
        (int start, int stop) = (part["start"].GetInteger(), part["stop"].GetInteger());
        return start >= 0 && stop >= 0 ? (content[0], start, stop) : throw part.Wrong("counts that are not negative", $"{start} and {stop}");
    }
}
