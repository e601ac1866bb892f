using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Templates;
using Decant.Testing;

namespace Decant.Core.Tests.Templates;

/// <summary>The shared chat fixtures: templates, conversations and what transformers makes of them.</summary>
internal static class ChatFixtures
{
    /// <summary>Friday 26 July 2024, 15:04:05, as in the fixtures.</summary>
    public static TimeProvider Clock { get; } = new FixedClock();

    public static string Folder => SharedFiles.Require("fixtures", "tokenizers", "chat");

    public static IReadOnlyList<string> TemplateNames =>
        [.. Directory.GetFiles(Folder, "*.jinja").Select(p => Path.GetFileName(p)).Order(StringComparer.Ordinal), "../llama3/tokenizer_config.json", "../qwen3/tokenizer_config.json"];

    public static string ReadTemplate(string name)
    {
        string text = File.ReadAllText(Path.Combine(Folder, name), new UTF8Encoding(false));
        return name.EndsWith(".json", StringComparison.Ordinal) ? JsonNode.Parse(text)!["chat_template"]!.GetValue<string>() : text;
    }

    public static JsonObject Conversations() => JsonNode.Parse(File.ReadAllText(Path.Combine(Folder, "conversations.json")))!.AsObject();

    public static IEnumerable<JsonObject> Lines(string file) =>
        File.ReadLines(Path.Combine(Folder, file)).Where(l => l.Length > 0).Select(l => JsonNode.Parse(l)!.AsObject());

    /// <summary>What rendering a case gives, in the words of the fixtures: the text, or the kind of the error and its message.</summary>
    public static (string? Text, string? ErrorKind, string? Message) Outcome(Func<string> render)
    {
        try
        {
            return (render(), null, null);
        }
        catch (TemplateException e)
        {
            string kind = e switch
            {
                TemplateSyntaxException => "syntax",
                TemplateUndefinedException => "undefined",
                TemplateRaisedException => "raise_exception",
                TemplateLimitException => "limit",
                _ => "runtime",
            };
            return (null, kind, e.Message);
        }
    }

    private sealed class FixedClock : TimeProvider
    {
        public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

        public override DateTimeOffset GetUtcNow() => new(2024, 7, 26, 15, 4, 5, TimeSpan.Zero);
    }
}
