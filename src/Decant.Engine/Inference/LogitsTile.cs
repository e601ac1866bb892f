using Decant.Core.Errors;
using Decant.Core.Formats;
using Decant.Engine.Kernels;

namespace Decant.Engine.Inference;

/// <summary>Room for the logits of a few positions; grows to the largest request and is then kept.</summary>
internal sealed unsafe class LogitsTile : IDisposable
{
    // Logits of this many bytes are computed at a time: enough tokens that decoding the head's rows is spread over many, without
    // vocabulary × tokens in memory.
    private const int ByteCount = 16 << 20;
    private const int MostRows = 64;

    private AlignedBuffer? buffer;

    /// <summary>Tiles of nearly equal height that the logits of so many positions are computed in.</summary>
    public static int Count(int rowCount, int vocabularySize)
    {
        int largest = (int)Math.Clamp(ByteCount / ((long)vocabularySize * sizeof(float)), 1, MostRows);
        return (rowCount + largest - 1) / largest;
    }

    /// <summary>Throws unless all logits of a position are finite: sampling and measuring would make something of them that looks like an answer.</summary>
    /// <param name="row">The logits.</param>
    /// <param name="name">What messages call the text, or null for its number.</param>
    /// <param name="number">Its number among those that are run together.</param>
    /// <param name="position">The position in the text.</param>
    /// <exception cref="NumericalException">One is not.</exception>
    public static void RequireFinite(ReadOnlySpan<float> row, string? name, int number, int position)
    {
        int bad = RowCheck.FirstNonFinite(row);
        if (bad < 0)
            return;
        string text = name ?? FormattableString.Invariant($"text {number} of the batch");
        throw new NumericalException(FormattableString.Invariant(
            $"Position {position} of {text}: the logit of token {bad} is {row[bad]}: the model's weights are damaged, or its activations overflowed."));
    }

    /// <summary>At least so many elements; a later request may overwrite them.</summary>
    public float* Reserve(long count) => (float*)AlignedBuffer.Reserve(ref buffer, count * sizeof(float), "The logits", "");

    /// <inheritdoc/>
    public void Dispose() => buffer?.Dispose();
}
