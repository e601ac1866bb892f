using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

namespace Decant.Cli.Generation;

/// <summary>Lets a model write text: ids become text as soon as it is certain, and stop strings end it.</summary>
internal static class TextWriterLoop
{
    /// <summary>Runs until a stop id, a stop string, the token count or the end of the context.</summary>
    /// <param name="generator">A generator on the session that holds what came before.</param>
    /// <param name="tokenizer">The model's tokenizer.</param>
    /// <param name="prompt">Ids to read first; at least one.</param>
    /// <param name="count">The most tokens to write.</param>
    /// <param name="stops">Strings that end the text.</param>
    /// <param name="write">Takes text as it becomes certain.</param>
    /// <param name="cancellationToken">Stops between tokens.</param>
    public static WrittenText Run(
        Generator generator, Tokenizer tokenizer, IReadOnlyList<int> prompt, int count, IReadOnlyList<string> stops, Action<string> write, CancellationToken cancellationToken)
    {
        IReadOnlyList<int> endIds = tokenizer.Special.EndOfGeneration;
        StreamingDecoder decoder = tokenizer.CreateStream(skipSpecialTokens: true);
        var filter = new StopTextFilter(stops);
        var ids = new List<int>();
        var text = new System.Text.StringBuilder();
        StopReason reason = StopReason.Length;
        foreach (int id in generator.Generate(prompt, count, [.. endIds], cancellationToken))
        {
            ids.Add(id);
            if (endIds.Contains(id))
            {
                reason = StopReason.EndToken;
                break;
            }
            Emit(filter.Push(decoder.Push(id)));
            if (filter.Found is not null)
            {
                reason = StopReason.StopString;
                break;
            }
        }
        if (filter.Found is null)
            Emit(filter.Push(decoder.Flush()) + filter.Flush());
        if (reason == StopReason.Length && ids.Count < count)
            reason = StopReason.ContextFull;
        return new WrittenText(ids, text.ToString(), reason);

        void Emit(string piece)
        {
            if (piece.Length == 0)
                return;
            text.Append(piece);
            write(piece);
        }
    }
}

/// <summary>Why a text ended.</summary>
internal enum StopReason
{
    /// <summary>The asked number of tokens was written.</summary>
    Length,
    /// <summary>The model ended it.</summary>
    EndToken,
    /// <summary>A stop string came.</summary>
    StopString,
    /// <summary>There is no room for more tokens.</summary>
    ContextFull,
}

/// <summary>What a model wrote.</summary>
/// <param name="Ids">The new ids, an end token included.</param>
/// <param name="Text">Their text, special tokens and stop string left out.</param>
/// <param name="Reason">Why it ended.</param>
internal sealed record WrittenText(IReadOnlyList<int> Ids, string Text, StopReason Reason)
{
    /// <summary>The reason as JSON has it.</summary>
    public string ReasonName => Reason switch
    {
        StopReason.EndToken => "end_token",
        StopReason.StopString => "stop_string",
        StopReason.ContextFull => "context_full",
        _ => "length",
    };
}
