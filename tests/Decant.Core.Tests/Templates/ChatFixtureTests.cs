using System.Text.Json.Nodes;
using Decant.Core.Templates;

namespace Decant.Core.Tests.Templates;

/// <summary>Every case of the shared chat fixtures.</summary>
public class ChatFixtureTests
{
    [Fact]
    public void Every_template_renders_every_conversation_as_transformers_does()
    {
        JsonObject conversations = ChatFixtures.Conversations();
        var templates = new Dictionary<string, ChatTemplate>();
        var failures = new List<string>();
        int count = 0;
        foreach (JsonObject row in ChatFixtures.Lines("expected.jsonl"))
        {
            count++;
            string name = row["template"]!.GetValue<string>();
            if (!templates.TryGetValue(name, out ChatTemplate? template))
                templates[name] = template = ChatTemplate.Parse(ChatFixtures.ReadTemplate(name), name);
            JsonNode conversation = conversations[row["conversation"]!.GetValue<string>()]!;
            var prompt = new ChatPrompt(conversation["messages"]!.AsArray())
            {
                Tools = conversation["tools"]?.AsArray(),
                AddGenerationPrompt = row["add_generation_prompt"]!.GetValue<bool>(),
                Variables = row["variables"]!.AsObject(),
            };
            Compare(row, ChatFixtures.Outcome(() => template.Render(prompt, clock: ChatFixtures.Clock)), failures);
        }
        Assert.Equal(960, count);
        Assert.Equal(15, templates.Count);
        Assert.Equal(templates.Keys.Order(StringComparer.Ordinal), ChatFixtures.TemplateNames.Order(StringComparer.Ordinal));
        Assert.Empty(failures);
    }

    [Fact]
    public void Every_small_template_gives_what_Jinja_gives()
    {
        var failures = new List<string>();
        int count = 0;
        foreach (JsonObject row in ChatFixtures.Lines("expressions.jsonl"))
        {
            count++;
            var prompt = new ChatPrompt(new JsonArray()) { AddGenerationPrompt = false, Variables = row["variables"]!.AsObject() };
            string source = row["template"]!.GetValue<string>();
            Compare(row, ChatFixtures.Outcome(() => ChatTemplate.Parse(source, "expression").Render(prompt, clock: ChatFixtures.Clock)), failures);
        }
        Assert.Equal(280, count);
        Assert.Empty(failures);
    }

    private static void Compare(JsonObject row, (string? Text, string? ErrorKind, string? Message) got, List<string> failures)
    {
        string? text = row["text"]?.GetValue<string>();
        string? kind = row["error_kind"]?.GetValue<string>();
        bool messageMatters = kind == "raise_exception";
        bool same = got.Text == text && got.ErrorKind == kind && (!messageMatters || got.Message == row["error"]!.GetValue<string>());
        if (!same)
            failures.Add($"{row.ToJsonString()}\n got {got}");
    }
}
