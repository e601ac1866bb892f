using System.Text.Json.Nodes;

namespace Decant.Core.Templates;

/// <summary>What a chat template is filled with, under the names that transformers' <c>apply_chat_template</c> uses.</summary>
public sealed record ChatPrompt
{
    /// <summary>Creates a prompt of JSON messages, as in an OpenAI request.</summary>
    /// <param name="messages">The conversation.</param>
    public ChatPrompt(JsonArray messages) => Messages = messages;

    /// <summary>Creates a prompt of plain messages.</summary>
    /// <param name="messages">The conversation.</param>
    // A collection expression for the array itself would call JsonArray.Add<T>, which needs code made at run time.
    public ChatPrompt(IEnumerable<ChatMessage> messages) => Messages = new JsonArray([.. messages.Select(m => m.ToJson())]);

    /// <summary>The conversation, oldest first.</summary>
    public JsonArray Messages { get; }

    /// <summary>Functions the model may call (JSON schemas), or null: then <c>tools</c> is defined and none.</summary>
    public JsonArray? Tools { get; init; }

    /// <summary>Documents to answer from, or null: then <c>documents</c> is defined and none.</summary>
    public JsonArray? Documents { get; init; }

    /// <summary>True to end with what introduces the assistant's answer.</summary>
    public bool AddGenerationPrompt { get; init; } = true;

    /// <summary>The tokenizer's first token as text, or null to leave <c>bos_token</c> undefined.</summary>
    public string? BosToken { get; init; }

    /// <summary>The tokenizer's last token as text, or null to leave <c>eos_token</c> undefined.</summary>
    public string? EosToken { get; init; }

    /// <summary>Further variables (<c>enable_thinking</c>, <c>date_string</c>, …); they win over everything above.</summary>
    public JsonObject? Variables { get; init; }

    /// <summary>All variables of the template.</summary>
    internal IEnumerable<KeyValuePair<string, JsonNode?>> AllVariables()
    {
        yield return new("messages", Messages);
        yield return new("tools", Tools);
        yield return new("documents", Documents);
        yield return new("add_generation_prompt", JsonValue.Create(AddGenerationPrompt));
        if (BosToken is not null)
            yield return new("bos_token", JsonValue.Create(BosToken));
        if (EosToken is not null)
            yield return new("eos_token", JsonValue.Create(EosToken));
        foreach (KeyValuePair<string, JsonNode?> variable in Variables ?? [])
            yield return variable;
    }
}
