namespace Decant.Engine.Inference;

/// <summary>The rows of one text in a pass over several: consecutive tokens that follow what its cache holds.</summary>
/// <param name="Cache">Keys and values of the text.</param>
/// <param name="FirstPosition">The position of the first token in the text.</param>
/// <param name="FirstRow">The row of the first token in the pass.</param>
/// <param name="RowCount">Tokens.</param>
/// <param name="TextLength">Tokens of the text when the whole call, of which this may be a piece, is done.</param>
/// <param name="Entry">The number of the text in the call.</param>
/// <param name="Name">What messages call the text; null for its number.</param>
internal readonly record struct Segment(KvCache Cache, int FirstPosition, int FirstRow, int RowCount, int TextLength, int Entry = 0, string? Name = null)
{
    /// <summary>What cross-attention reads, or null in models without an encoder.</summary>
    public EncodedSource? Source { get; init; }

    /// <summary>True for the keys that no query sees, padding within the text; null if all are seen.</summary>
    public bool[]? HiddenKeys { get; init; }
}
