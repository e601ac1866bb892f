using System.Globalization;
using Decant.Core.Errors;

namespace Decant.Engine.Inference;

/// <summary>What is asked of the tokens of every call.</summary>
internal static class TokenIds
{
    /// <summary>Throws if there are none.</summary>
    /// <exception cref="UsageException">There are none.</exception>
    public static void RequireSome(ReadOnlySpan<int> ids)
    {
        if (ids.IsEmpty)
            throw new UsageException("There are no tokens to run: the prompt is empty.");
    }

    /// <summary>Throws unless all are within the vocabulary.</summary>
    /// <exception cref="UsageException">One is not; names it.</exception>
    public static void RequireKnown(ReadOnlySpan<int> ids, int vocabularySize)
    {
        for (int i = 0; i < ids.Length; i++)
        {
            if ((uint)ids[i] >= (uint)vocabularySize)
            {
                throw new UsageException(string.Create(
                    CultureInfo.InvariantCulture, $"Token {i} of the call is {ids[i]}; the model's vocabulary has ids 0 to {vocabularySize - 1}. Does the tokenizer belong to this model?"));
            }
        }
    }
}
