using System.Text.Json.Nodes;
using Decant.Cli.Models;

namespace Decant.Cli.Output;

/// <summary>The document of <c>inspect --json</c>.</summary>
internal static class InspectJson
{
    public static JsonObject Of(ModelSummary summary, TokenizerSummary? tokenizer, IReadOnlyList<Ability> abilities, bool listTensors)
    {
        var document = new JsonObject
        {
            ["model"] = summary.Argument,
            ["path"] = summary.Source.Location,
            ["container"] = summary.Container,
            ["family"] = summary.Family,
            ["kind"] = summary.Kind,
            ["supported"] = summary.Model is not null,
            ["unsupported_reason"] = summary.UnsupportedReason,
            ["name"] = summary.Name,
            ["license"] = summary.License,
            ["parameters"] = new JsonObject
            {
                ["total"] = summary.ParameterCount,
                ["active"] = summary.ActiveParameterCount ?? summary.ParameterCount,
                ["embedding"] = summary.Embedding?.ElementCount,
            },
            ["bytes"] = summary.ByteCount,
            ["bits_per_weight"] = summary.ParameterCount == 0 ? 0 : 8.0 * summary.ByteCount / summary.ParameterCount,
            ["layout"] = summary.Model is { } understood ? LayoutSummary.ToJson(understood.Spec) : null,
            ["types"] = new JsonArray([.. summary.Types.Select(share => new JsonObject
            {
                ["type"] = share.Format.Name,
                ["tensors"] = share.TensorCount,
                ["parameters"] = share.ParameterCount,
                ["bytes"] = share.ByteCount,
                ["bits_per_weight"] = share.BitsPerWeight,
            })]),
            ["tokenizer"] = tokenizer is null ? null : new JsonObject
            {
                ["kind"] = tokenizer.Kind,
                ["model"] = tokenizer.Model,
                ["vocabulary_size"] = tokenizer.VocabularyCount,
                ["adds_bos"] = tokenizer.AddsBos,
                ["unsupported_reason"] = tokenizer.UnsupportedReason,
            },
            ["chat_templates"] = new JsonArray([.. summary.ChatTemplates.Select(name => JsonValue.Create(name))]),
            ["abilities"] = new JsonArray([.. abilities.Select(ability => (JsonNode)new JsonObject
            {
                ["name"] = ability.Name,
                ["kind"] = ability.IsOutput ? "output" : "verb",
                ["possible"] = ability.Obstacle is null,
                ["obstacle"] = ability.Obstacle,
            })]),
            ["notices"] = new JsonArray([.. (summary.Model?.Notices ?? []).Select(notice => JsonValue.Create(notice))]),
        };
        if (listTensors)
        {
            document["tensors"] = new JsonArray([.. summary.Source.Tensors.Select(tensor => new JsonObject
            {
                ["name"] = tensor.Info.Name,
                ["shape"] = new JsonArray([.. tensor.Info.Shape.Dimensions.Select(d => JsonValue.Create(d))]),
                ["type"] = tensor.Info.Format.Name,
                ["bytes"] = tensor.Info.ByteCount,
            })]);
        }
        return document;
    }
}
