using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Errors;

namespace Decant.Core.Templates;

/// <summary>
/// Conversations as people keep them: a JSON object a line, with <c>messages</c> as in OpenAI's requests (and perhaps <c>tools</c>), or with <c>conversations</c> of
/// <c>from</c> and <c>value</c> as ShareGPT wrote them.
/// </summary>
public static class ConversationFile
{
    private static readonly JsonDocumentOptions options = new() { AllowDuplicateProperties = false, MaxDepth = 64 };

    private static readonly Dictionary<string, string> roles = new(StringComparer.Ordinal) { ["human"] = "user", ["gpt"] = "assistant", ["chatgpt"] = "assistant", ["bing"] = "assistant" };

    /// <summary>True if a file's name says that it has an object a line.</summary>
    public static bool IsNamedSo(string path) =>
        path.EndsWith(".jsonl", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".ndjson", StringComparison.OrdinalIgnoreCase);

    /// <summary>Reads a file; empty lines are passed over.</summary>
    /// <param name="path">UTF-8, an object a line.</param>
    /// <exception cref="BadFileException">Missing, unreadable, without a conversation, or a line is none: the message has its number.</exception>
    public static IReadOnlyList<ChatPrompt> Read(string path)
    {
        var conversations = new List<ChatPrompt>();
        try
        {
            int number = 0;
            foreach (string line in File.ReadLines(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true)))
            {
                number++;
                if (!string.IsNullOrWhiteSpace(line))
                    conversations.Add(Parse($"{path}, line {number}", line));
            }
        }
        catch (DecoderFallbackException error)
        {
            throw new BadFileException($"{path}: the text is not UTF-8: {error.Message}", error);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new BadFileException($"{path}: the text cannot be read: {error.Message}", error);
        }
        return conversations.Count > 0 ? conversations : throw BadFileException.Expected(path, "conversations", "at least one", "none");
    }

    private static ChatPrompt Parse(string location, string line)
    {
        JsonObject conversation;
        try
        {
            conversation = JsonNode.Parse(line, null, options) as JsonObject ?? throw BadFileException.Expected(location, "line", "a JSON object", "other JSON");
            // Duplicate keys are found when an object is first read.
            _ = conversation.Count;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            throw new BadFileException($"{location}: no JSON: {error.Message}", error);
        }
        JsonArray messages;
        if (conversation["messages"] is JsonArray stated)
            messages = [.. stated.Select((message, i) => (JsonNode?)Message(location, i, message))];
        else if (conversation["conversations"] is JsonArray turns)
            messages = [.. turns.Select((turn, i) => (JsonNode?)Turn(location, i, turn))];
        else
            throw BadFileException.Expected(location, "keys", "messages (role, content) or conversations (from, value), a list", string.Join(", ", conversation.Select(pair => pair.Key).Take(8)));
        if (messages.Count == 0)
            throw BadFileException.Expected(location, "messages", "at least one", "none");
        return new ChatPrompt(messages) { AddGenerationPrompt = false, Tools = (conversation["tools"] as JsonArray)?.DeepClone() as JsonArray };
    }

    private static JsonNode Message(string location, int index, JsonNode? message) =>
        message is JsonObject { } fields && IsText(fields["role"])
            ? fields.DeepClone()
            : throw BadFileException.Expected(location, $"messages[{index}]", "an object with a text for role", message?.ToJsonString() ?? "null");

    private static JsonObject Turn(string location, int index, JsonNode? turn)
    {
        if (turn is not JsonObject fields || !IsText(fields["from"]) || !IsText(fields["value"]))
            throw BadFileException.Expected(location, $"conversations[{index}]", "an object with texts for from and value", turn?.ToJsonString() ?? "null");
        string from = fields["from"]!.GetValue<string>();
        return new JsonObject { ["role"] = roles.GetValueOrDefault(from, from), ["content"] = fields["value"]!.GetValue<string>() };
    }

    private static bool IsText(JsonNode? node) => node?.GetValueKind() == JsonValueKind.String;
}
