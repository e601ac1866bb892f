using Decant.Core.Errors;
using Decant.Core.Templates;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

namespace Decant.Cli.Generation;

/// <summary>
/// A conversation with a model. Every turn renders the whole conversation with the model's template; as much of it as the session already holds is not
/// computed again.
/// </summary>
/// <param name="tokenizer">The model's.</param>
/// <param name="template">The model's.</param>
/// <param name="session">Holds the conversation.</param>
/// <param name="sampler">Chooses the tokens of answers.</param>
/// <param name="system">What the model is told before the first turn, or null.</param>
/// <param name="longest">The most tokens the model takes.</param>
internal sealed class Conversation(Tokenizer tokenizer, ChatTemplate template, ILanguageModelSession session, Sampler sampler, string? system, int longest)
{
    private readonly List<ChatMessage> messages = [];
    private readonly List<int> held = [];

    /// <summary>Tokens of the last rendered conversation.</summary>
    public int PromptTokenCount { get; private set; }

    /// <summary>How many of them the session held already.</summary>
    public int ReusedTokenCount { get; private set; }

    /// <summary>Forgets all turns; the system text stays.</summary>
    public void Clear() => messages.Clear();

    /// <summary>Lets the model answer.</summary>
    /// <exception cref="UsageException">The conversation no longer fits into the context; it is as before the call.</exception>
    public WrittenText Answer(string userText, int count, IReadOnlyList<string> stops, Action<string> write, CancellationToken cancellationToken)
    {
        if (messages.Count == 0 && system is not null)
            messages.Add(new ChatMessage("system", system));
        messages.Add(new ChatMessage("user", userText));
        int[] prompt = Render();
        if (prompt.Length == 0 || prompt.Length > session.Capacity)
            messages.RemoveAt(messages.Count - 1);
        if (prompt.Length == 0)
            throw new BadFileException($"{tokenizer.File}: the chat template makes an empty text of this conversation, and a model needs at least one token to go on from. Try another template with --template FILE.");
        ContextRoom.Require("the conversation", prompt.Length, session.Capacity, longest, "Begin anew (/clear)");
        // The last token is always run: its logits are wanted.
        int reused = Math.Min(held.Zip(prompt).TakeWhile(pair => pair.First == pair.Second).Count(), prompt.Length - 1);
        reused = session.Rewind(reused);
        PromptTokenCount = prompt.Length;
        ReusedTokenCount = reused;
        WrittenText answer = TextWriterLoop.Run(new Generator(session, sampler), tokenizer, prompt[reused..], count, stops, write, cancellationToken);
        held.Clear();
        held.AddRange(prompt.Concat(answer.Ids).Take(session.Length));
        messages.Add(new ChatMessage("assistant", answer.Text));
        return answer;
    }

    private int[] Render()
    {
        var prompt = new ChatPrompt(messages)
        {
            AddGenerationPrompt = true,
            BosToken = tokenizer.Special.Bos is { } bos ? tokenizer.TokenText(bos) : null,
            EosToken = tokenizer.Special.Eos is { } eos ? tokenizer.TokenText(eos) : null,
        };
        // The template writes its special tokens itself.
        return tokenizer.EncodeIds(template.Render(prompt), addSpecialTokens: false);
    }
}
