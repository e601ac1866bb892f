using System.Text.Json.Nodes;
using Decant.Core.Templates.Builtins;
using Decant.Core.Templates.Rendering;
using Decant.Core.Templates.Syntax;
using Decant.Core.Templates.Values;

namespace Decant.Core.Templates;

/// <summary>
/// A chat template: the Jinja text, shipped with a model, that turns a conversation into the prompt the model was trained on. Rendered as
/// transformers does (immutable sandbox, <c>trim_blocks</c>, <c>lstrip_blocks</c>, loop controls, <c>{% generation %}</c>, its own
/// <c>tojson</c>, <c>raise_exception</c>, <c>strftime_now</c>); <c>docs/guides/chat-templates.md</c> lists what is supported. Immutable, and
/// safe to render from several threads.
/// </summary>
public sealed class ChatTemplate
{
    /// <summary>Longest template in characters; the longest known ones have about 30,000.</summary>
    public const int MaxLength = 1 << 20;

    private readonly IReadOnlyList<Statement> statements;

    private ChatTemplate(string origin, IReadOnlyList<Statement> statements)
    {
        Origin = origin;
        this.statements = statements;
    }

    /// <summary>Where the template came from, for messages.</summary>
    public string Origin { get; }

    /// <summary>Reads a template.</summary>
    /// <param name="source">The Jinja text.</param>
    /// <param name="origin">Where it came from (a file, a metadata key), for messages.</param>
    /// <exception cref="TemplateSyntaxException">The text is no template, or uses what is not supported; names line and construct.</exception>
    public static ChatTemplate Parse(string source, string origin)
    {
        if (source.Length > MaxLength)
            throw new TemplateSyntaxException($"a template of {source.Length} characters is too long (at most {MaxLength})", origin, 1);
        return new ChatTemplate(origin, StatementParser.Parse(source, origin));
    }

    /// <summary>The prompt of a conversation.</summary>
    /// <param name="prompt">Conversation, tools and tokens.</param>
    /// <param name="limits">What the template may use; <see cref="TemplateLimits.Default"/> if null.</param>
    /// <param name="clock">The time that <c>strftime_now</c> tells; the system's if null.</param>
    /// <exception cref="TemplateException">The template fails on, or refuses, this conversation, or wants too much.</exception>
    public string Render(ChatPrompt prompt, TemplateLimits? limits = null, TimeProvider? clock = null) => Render(prompt.AllVariables(), limits, clock);

    /// <summary>The prompt of plain messages, ending with what introduces the assistant's answer.</summary>
    /// <param name="messages">The conversation, oldest first.</param>
    /// <param name="bosToken">The tokenizer's first token as text, or null.</param>
    /// <param name="eosToken">The tokenizer's last token as text, or null.</param>
    /// <exception cref="TemplateException">The template fails on, or refuses, this conversation, or wants too much.</exception>
    public string Render(IReadOnlyList<ChatMessage> messages, string? bosToken = null, string? eosToken = null) =>
        Render(new ChatPrompt(messages) { BosToken = bosToken, EosToken = eosToken });

    private string Render(IEnumerable<KeyValuePair<string, JsonNode?>> variables, TemplateLimits? limits, TimeProvider? clock)
    {
        var context = new RenderContext(Origin, limits ?? TemplateLimits.Default, clock ?? TimeProvider.System);
        var scope = new Scope(Functions.Globals());
        foreach ((string name, JsonNode? value) in variables)
            scope.Set(name, JsonValues.Convert(context, value));
        return new Renderer(context).Render(statements, new Scope(scope));
    }
}
