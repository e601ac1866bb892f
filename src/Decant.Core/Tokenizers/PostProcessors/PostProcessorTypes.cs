using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.PostProcessors;

/// <summary>The post-processors that tokenizer.json may name. A new one is a file and a line here.</summary>
internal static class PostProcessorTypes
{
    private static readonly (string Type, Func<JsonPart, PostProcessor> Read)[] all =
    [
        ("Sequence", ReadSequence),
        ("ByteLevel", ReadByteLevel),
        ("TemplateProcessing", ReadTemplate),
        ("RobertaProcessing", ReadRoberta),
        ("BertProcessing", ReadBert),
    ];

    /// <summary>Reads a post-processor; null if the file has none.</summary>
    public static PostProcessor? Read(JsonPart part) => part.IsNull ? null : ReadOne(part);

    private static PostProcessor ReadOne(JsonPart part)
    {
        string type = part["type"].GetString();
        foreach ((string name, Func<JsonPart, PostProcessor> read) in all)
        {
            if (name == type)
                return read(part);
        }
        throw part.NotSupported($"the post-processor '{type}'");
    }

    private static SequencePostProcessor ReadSequence(JsonPart part)
    {
        part.RefuseKeysExcept("type", "processors");
        PostProcessor[] parts = [.. part["processors"].GetItems().Select(ReadOne)];
        // What the reference takes for the text behind a template is the template's first item.
        int template = Array.FindIndex(parts, p => p is TemplatePostProcessor);
        if (template >= 0 && parts.Skip(template + 1).Any(p => p is not ByteLevelPostProcessor))
            throw part.NotSupported("a post-processor that adds tokens behind a TemplateProcessing");
        return new SequencePostProcessor(parts);
    }

    private static ByteLevelPostProcessor ReadByteLevel(JsonPart part)
    {
        part.RefuseKeysExcept("type", "add_prefix_space", "trim_offsets", "use_regex");
        return new ByteLevelPostProcessor(
            part.Find("add_prefix_space").GetBoolean(true), part.Find("trim_offsets").GetBoolean(true), part.Find("use_regex").GetBoolean(true));
    }

    private static TemplatePostProcessor ReadTemplate(JsonPart part)
    {
        part.RefuseKeysExcept("type", "single", "pair", "special_tokens");
        JsonPart specials = part["special_tokens"];
        TemplateItem[] items = [.. part["single"].GetItems().Select(item => ReadItem(item, specials))];
        return items.Count(i => i.SpecialName is null) <= 1
            ? new TemplatePostProcessor(items, ToArray(part.Find("pair")))
            : throw part.NotSupported("a template that repeats the text");
    }

    private static TemplateItem ReadItem(JsonPart item, JsonPart specials)
    {
        if (!item.Find("Sequence").IsNull)
        {
            string id = item["Sequence"]["id"].GetString();
            return id == "A" ? new TemplateItem(null, [], []) : throw item.Wrong("sequence A in the template for one text", $"sequence {id}");
        }
        string name = item["SpecialToken"]["id"].GetString();
        JsonPart special = specials[name];
        int[] ids = [.. special["ids"].GetItems().Select(id => id.GetInteger())];
        string[] tokens = [.. special["tokens"].GetItems().Select(t => t.GetString())];
        return ids.Length == tokens.Length ? new TemplateItem(name, ids, tokens) : throw special.Wrong($"{ids.Length} tokens for {ids.Length} ids", $"{tokens.Length}");
    }

    private static JsonArray ToArray(JsonPart pair)
    {
        var array = new JsonArray();
        if (pair.IsNull)
            return array;
        foreach (JsonPart item in pair.GetItems())
        {
            string kind = item.Find("Sequence").IsNull ? "SpecialToken" : "Sequence";
            array.Add((JsonNode)new JsonObject { [kind] = new JsonObject { ["id"] = item[kind]["id"].GetString(), ["type_id"] = item[kind]["type_id"].GetInteger() } });
        }
        return array;
    }

    private static RobertaPostProcessor ReadRoberta(JsonPart part)
    {
        part.RefuseKeysExcept("type", "sep", "cls", "trim_offsets", "add_prefix_space");
        return new RobertaPostProcessor(
            ReadPair(part["sep"]), ReadPair(part["cls"]), part.Find("trim_offsets").GetBoolean(true), part.Find("add_prefix_space").GetBoolean(true));
    }

    private static BertPostProcessor ReadBert(JsonPart part)
    {
        part.RefuseKeysExcept("type", "sep", "cls");
        return new BertPostProcessor(ReadPair(part["sep"]), ReadPair(part["cls"]));
    }

    private static (string Token, int Id) ReadPair(JsonPart part)
    {
        JsonPart[] items = [.. part.GetItems()];
        return items.Length == 2 ? (items[0].GetString(), items[1].GetInteger()) : throw part.Wrong("a token and its id", $"{items.Length} entries");
    }
}
