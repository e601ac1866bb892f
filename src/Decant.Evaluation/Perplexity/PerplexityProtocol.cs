using Decant.Core.Errors;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Perplexity;

/// <summary>
/// Which windows of a text are read and which of their tokens count. Perplexities are comparable only under one protocol, so none is ever printed
/// without its name. One subclass per protocol, listed once in <see cref="PerplexityProtocols"/>.
/// </summary>
public abstract class PerplexityProtocol
{
    /// <summary>The name on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>One line for lists and help.</summary>
    public abstract string Description { get; }

    /// <summary>True if the text is tokenised with the special tokens that the tokenizer adds by itself.</summary>
    public abstract bool AddsSpecialTokens { get; }

    /// <summary>True if special tokens that are written in the text become those tokens; false if they are text like any other.</summary>
    public virtual bool RecognisesSpecialTokens => true;

    /// <summary>True if windows may overlap, so that a stride has a meaning.</summary>
    public virtual bool UsesStride => false;

    /// <summary>Lays the windows over a text.</summary>
    /// <param name="ids">The whole text.</param>
    /// <param name="options">Window length and stride.</param>
    /// <returns>At least one window.</returns>
    /// <exception cref="UsageException">The options make no sense or the text is too short.</exception>
    public IReadOnlyList<TokenWindow> Windows(ReadOnlyMemory<int> ids, WindowOptions options)
    {
        if (options.Context < LeastContext)
            throw new UsageException($"A context of {options.Context} is too short for protocol {Name}: at least {LeastContext} tokens are needed.");
        if (options.Stride is not null && !UsesStride)
            throw new UsageException($"Protocol {Name} has no stride; use --protocol sliding.");
        if (options.WindowLimit is < 1)
            throw new UsageException($"At least one window must be scored, not {options.WindowLimit}.");
        int least = LeastTokenCount(options);
        if (ids.Length < least)
        {
            throw new UsageException(
                $"The text has {ids.Length} tokens; protocol {Name} at context {options.Context} needs at least {least}. Give more text or a smaller --context.");
        }
        IEnumerable<TokenWindow> windows = Lay(ids, options);
        return [.. options.WindowLimit is { } limit ? windows.Take(limit) : windows];
    }

    /// <summary>The smallest window that has a scored token.</summary>
    protected virtual int LeastContext => 2;

    /// <summary>The fewest tokens that give a window.</summary>
    protected virtual int LeastTokenCount(WindowOptions options) => options.Context;

    /// <summary>The windows in order; arguments are checked.</summary>
    protected abstract IEnumerable<TokenWindow> Lay(ReadOnlyMemory<int> ids, WindowOptions options);
}
