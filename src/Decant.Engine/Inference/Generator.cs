using System.Runtime.InteropServices;
using Decant.Core.Tokenizers;

namespace Decant.Engine.Inference;

/// <summary>Continues a text token by token.</summary>
/// <param name="session">The session; the prompt is appended to what it holds.</param>
/// <param name="sampler">Chooses the tokens.</param>
public sealed class Generator(ILanguageModelSession session, Sampler sampler)
{
    private readonly List<int> history = [];

    /// <summary>All tokens so far, prompts included, in order; the repetition penalty reads its end.</summary>
    public IReadOnlyList<int> History => history;

    /// <summary>
    /// Runs the prompt and yields new tokens until a stop id, the maximum, or the end of the session's capacity. A stop id is yielded, as the last token.
    /// The token yielded last is not yet in the session; <see cref="History"/> has it.
    /// </summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="maximumCount">The most new tokens.</param>
    /// <param name="stopIds">Ids that end the text.</param>
    /// <param name="cancellationToken">Stops the computation.</param>
    public IEnumerable<int> Generate(
        IReadOnlyList<int> prompt, int maximumCount, IReadOnlyCollection<int> stopIds, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prompt);
        ArgumentNullException.ThrowIfNull(stopIds);
        return Run([.. prompt], maximumCount, [.. stopIds], cancellationToken);
    }

    /// <summary>
    /// As <see cref="Generate"/>, as text: pieces as soon as they are certain. Text of a stop id is not shown, nor a stop string or anything after it.
    /// </summary>
    /// <param name="prompt">At least one token.</param>
    /// <param name="maximumCount">The most new tokens.</param>
    /// <param name="stopIds">Ids that end the text.</param>
    /// <param name="stopStrings">Strings that end the text.</param>
    /// <param name="decoder">A fresh decoder of the model's tokenizer.</param>
    /// <param name="cancellationToken">Stops the computation.</param>
    public IEnumerable<string> GenerateText(
        IReadOnlyList<int> prompt,
        int maximumCount,
        IReadOnlyCollection<int> stopIds,
        IReadOnlyCollection<string> stopStrings,
        StreamingDecoder decoder,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(stopIds);
        ArgumentNullException.ThrowIfNull(stopStrings);
        ArgumentNullException.ThrowIfNull(decoder);
        return RunText(Generate(prompt, maximumCount, stopIds, cancellationToken), [.. stopIds], new StopTextFilter(stopStrings), decoder);
    }

    private static IEnumerable<string> RunText(IEnumerable<int> ids, HashSet<int> stopIds, StopTextFilter filter, StreamingDecoder decoder)
    {
        foreach (int id in ids)
        {
            if (stopIds.Contains(id))
                break;
            string piece = filter.Push(decoder.Push(id));
            if (piece.Length > 0)
                yield return piece;
            if (filter.Found is not null)
                yield break;
        }
        string rest = filter.Push(decoder.Flush()) + filter.Flush();
        if (rest.Length > 0)
            yield return rest;
    }

    private IEnumerable<int> Run(int[] prompt, int maximumCount, HashSet<int> stopIds, CancellationToken cancellationToken)
    {
        // One more than the session holds: the last token needs no place in it. Growing while a text is written would allocate.
        long room = (long)session.Capacity - session.Length + 1;
        history.EnsureCapacity((int)Math.Min(history.Count + Math.Clamp((long)prompt.Length + maximumCount, prompt.Length, Math.Max(room, prompt.Length)), Array.MaxLength));
        history.AddRange(prompt);
        int[] next = prompt;
        for (int count = 0; count < maximumCount; count++)
        {
            if (count > 0 && session.Length >= session.Capacity)
                yield break;
            int id = Sample(session.Append(next, cancellationToken));
            if (count == 0)
                next = new int[1];
            next[0] = id;
            yield return id;
            if (stopIds.Contains(id))
                yield break;
        }
    }

    private int Sample(ReadOnlySpan<float> logits)
    {
        int id = sampler.Sample(logits, CollectionsMarshal.AsSpan(history));
        history.Add(id);
        return id;
    }
}
