using System.Text.Json.Nodes;

namespace Decant.Core.Templates;

/// <summary>One message of a conversation as most templates take it. Richer ones (parts, tool calls) are given as JSON in <see cref="ChatPrompt"/>.</summary>
/// <param name="Role">Who speaks: <c>system</c>, <c>user</c>, <c>assistant</c> or what else the template knows.</param>
/// <param name="Content">What is said.</param>
public sealed record ChatMessage(string Role, string Content)
{
    /// <summary>The message as JSON.</summary>
    public JsonObject ToJson() => new() { ["role"] = Role, ["content"] = Content };
}
