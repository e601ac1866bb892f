using Decant.Core.Errors;
using Decant.Engine.Measurement;

namespace Decant.Engine.Inference;

/// <summary>A model ready to run that predicts what follows a text, whatever it remembers of it: keys and values, a state, or the text itself.</summary>
public interface ILanguageModel : IDisposable
{
    /// <summary>Number of token ids: values in a row of logits.</summary>
    int VocabularySize { get; }

    /// <summary>The kernel level in use: <c>avx512</c>, <c>avx2</c>, <c>vector128</c> or <c>scalar</c>.</summary>
    string KernelName { get; }

    /// <summary>Kernels forced by name beside the level (<see cref="DecoderOptions.Kernel"/>): for all weights of their formats.</summary>
    IReadOnlyList<string> ForcedKernels { get; }

    /// <summary>Threads in use.</summary>
    int ThreadCount { get; }

    /// <summary>What the products with the weights cost for one token.</summary>
    WeightWork WeightWork { get; }

    /// <summary>Private memory that weights were copied to (<see cref="DecoderOptions.Weights"/>), in bytes; 0 if they stayed in the map.</summary>
    long CopiedWeightByteCount { get; }

    /// <summary>True if every call computes the whole text anew: nothing but its tokens is remembered.</summary>
    bool ComputesWholeText { get; }

    /// <summary>The most tokens computed at once.</summary>
    int BatchLength { get; }

    /// <summary>The longest text the model can take.</summary>
    int MaximumLength { get; }

    /// <summary>Starts an empty text.</summary>
    /// <param name="capacity">The most tokens it can grow to.</param>
    /// <exception cref="UsageException">The model cannot take texts of that length.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory; the message says how much is needed.</exception>
    ILanguageModelSession StartSession(int capacity);
}

/// <summary>One text that a model reads and may continue. Not for use by two threads at once. If a call fails or is cancelled, the session is as before it.</summary>
public interface ILanguageModelSession : IDisposable
{
    /// <summary>Tokens read so far.</summary>
    int Length { get; }

    /// <summary>The most tokens it takes.</summary>
    int Capacity { get; }

    /// <summary>Bytes that so many tokens of the text are remembered in: their keys and values, a state; 0 if nothing but the tokens is.</summary>
    /// <param name="length">0 to <see cref="Capacity"/>.</param>
    long RememberedByteCount(int length);

    /// <summary>Forgets all tokens.</summary>
    void Reset();

    /// <summary>
    /// Forgets the tokens from <paramref name="length"/> on, and those before them too if the model cannot go back: a state knows only where it is.
    /// </summary>
    /// <param name="length">0 to <see cref="Length"/>.</param>
    /// <returns>Tokens still held: <paramref name="length"/> or 0. The others are to be read again.</returns>
    int Rewind(int length);

    /// <summary>Reads tokens after those held.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <returns>The logits that follow the last token; valid until the next call.</returns>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    /// <exception cref="NumericalException">A number is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    ReadOnlySpan<float> Append(ReadOnlySpan<int> ids, CancellationToken cancellationToken = default);

    /// <summary>Reads tokens after those held and shows the logits at each of their positions from <paramref name="firstPosition"/> on, in order.</summary>
    /// <param name="ids">At least one token.</param>
    /// <param name="firstPosition">The first index within <paramref name="ids"/> whose logits are wanted.</param>
    /// <param name="visit">Called on this thread; the logits at position p are those of the token after ids[p].</param>
    /// <param name="cancellationToken">Stops the call.</param>
    /// <exception cref="UsageException">No tokens, an id outside the vocabulary, or more tokens than fit.</exception>
    /// <exception cref="NumericalException">A number is NaN or infinite; names the position and, if one is damaged, the weight.</exception>
    void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken = default);
}
