namespace Decant.Engine.Kernels;

/// <summary>The activations of matrix products that share one input: rows of tokens, and forms of them that kernels ask for.</summary>
internal sealed unsafe class ProductInput
{
    /// <summary>Elements per token.</summary>
    public int ColumnCount { get; private set; }

    /// <summary>Tokens.</summary>
    public int TokenCount { get; private set; }

    /// <summary>Row-major values [tokens, columns].</summary>
    public float* Rows { get; private set; }

    /// <summary>Points at new activations.</summary>
    public void Set(float* rows, int tokenCount, int columnCount)
    {
        Rows = rows;
        TokenCount = tokenCount;
        ColumnCount = columnCount;
    }
}
