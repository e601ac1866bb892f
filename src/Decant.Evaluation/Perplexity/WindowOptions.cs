namespace Decant.Evaluation.Perplexity;

/// <summary>How windows are laid.</summary>
public sealed record WindowOptions
{
    /// <summary>Tokens in a window unless told otherwise, as llama.cpp's perplexity tool has it.</summary>
    public const int DefaultContext = 512;

    /// <summary>Tokens in a window.</summary>
    public int Context { get; init; } = DefaultContext;

    /// <summary>Tokens from one window's start to the next, or null for the protocol's default.</summary>
    public int? Stride { get; init; }

    /// <summary>Only this many windows, or null for all.</summary>
    public int? WindowLimit { get; init; }

    /// <summary>The beginning-of-sequence token if the vocabulary wants one in front of a text, else null.</summary>
    public int? BeginToken { get; init; }
}
