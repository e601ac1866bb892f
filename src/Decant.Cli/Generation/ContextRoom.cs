using System.Globalization;
using Decant.Core.Errors;

namespace Decant.Cli.Generation;

/// <summary>Refuses texts that are longer than the context, with what helps: a longer context only where the model takes one.</summary>
internal static class ContextRoom
{
    /// <summary>Throws unless the tokens fit.</summary>
    /// <param name="what">Whose tokens they are, as the message names it.</param>
    /// <param name="tokenCount">How many there are.</param>
    /// <param name="capacity">How many the context holds.</param>
    /// <param name="longest">How many the model takes at most.</param>
    /// <param name="remedy">What makes them fewer, as a sentence without its end.</param>
    /// <exception cref="UsageException">They do not fit.</exception>
    public static void Require(string what, int tokenCount, int capacity, int longest, string remedy)
    {
        if (tokenCount <= capacity)
            return;
        string advice = capacity < longest
            ? string.Create(CultureInfo.InvariantCulture, $"{remedy} or raise --context (the model takes {longest}).")
            : $"{remedy}: the model takes no more.";
        throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{what} has {tokenCount} tokens and the context holds {capacity}. {advice}"));
    }
}
