using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PostProcessors;

/// <summary>A place in a template: the text's tokens, or special tokens.</summary>
/// <param name="SpecialName">The name of the special token, or null for the text.</param>
/// <param name="Ids">Its ids.</param>
/// <param name="Tokens">Its texts.</param>
internal sealed record TemplateItem(string? SpecialName, IReadOnlyList<int> Ids, IReadOnlyList<string> Tokens);

/// <summary>Puts special tokens around a text; they have offsets (0, 0).</summary>
/// <param name="items">The template for one text.</param>
/// <param name="pair">The template for two texts as tokenizer.json has it; kept for writing only.</param>
internal sealed class TemplatePostProcessor(IReadOnlyList<TemplateItem> items, JsonArray pair) : PostProcessor
{
    /// <summary>A template of one token before the text and one behind it, either perhaps missing; null if both are.</summary>
    public static TemplatePostProcessor? Around((int Id, string Text)? before, (int Id, string Text)? after)
    {
        if (before is null && after is null)
            return null;
        TemplateItem[] items =
        [
            .. before is var (first, firstText) ? (TemplateItem[])[new(firstText, [first], [firstText])] : [],
            new(null, [], []),
            .. after is var (last, lastText) ? (TemplateItem[])[new(lastText, [last], [lastText])] : [],
        ];
        var pair = new JsonArray();
        for (int type = 0; type < 2; type++)
        {
            foreach (TemplateItem item in items)
            {
                string kind = item.SpecialName is null ? "Sequence" : "SpecialToken";
                pair.Add((JsonNode)new JsonObject { [kind] = new JsonObject { ["id"] = item.SpecialName ?? (type == 0 ? "A" : "B"), ["type_id"] = type } });
            }
        }
        return new TemplatePostProcessor(items, pair);
    }

    /// <inheritdoc/>
    public override EncodingBuilder Process(EncodingBuilder encoding, bool addSpecialTokens)
    {
        if (!addSpecialTokens)
            return items.Any(item => item.SpecialName is null) ? encoding : encoding.CreateEmpty();
        EncodingBuilder result = encoding.CreateEmpty();
        foreach (TemplateItem item in items)
        {
            if (item.SpecialName is null)
                result.Add(encoding);
            for (int i = 0; i < item.Ids.Count; i++)
                result.Add(item.Ids[i], item.Tokens[i], default);
        }
        return result;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson()
    {
        var single = new JsonArray();
        var specials = new JsonObject();
        foreach (TemplateItem item in items)
        {
            string kind = item.SpecialName is null ? "Sequence" : "SpecialToken";
            single.Add((JsonNode)new JsonObject { [kind] = new JsonObject { ["id"] = item.SpecialName ?? "A", ["type_id"] = 0 } });
            if (item.SpecialName is null || specials.ContainsKey(item.SpecialName))
                continue;
            specials[item.SpecialName] = new JsonObject
            {
                ["id"] = item.SpecialName,
                ["ids"] = new JsonArray([.. item.Ids.Select(id => JsonValue.Create(id))]),
                ["tokens"] = new JsonArray([.. item.Tokens.Select(t => JsonValue.Create(t))]),
            };
        }
        return new JsonObject
        {
            ["type"] = "TemplateProcessing",
            ["single"] = single,
            ["pair"] = pair.DeepClone(),
            ["special_tokens"] = specials,
        };
    }
}
