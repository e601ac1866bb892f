namespace Decant.Engine.Kernels;

/// <summary>
/// A kernel that can also read a rearranged private copy, made once when a model is loaded: some rows side by side, or columns in pairs
/// (<see cref="PairedHalves"/>), a row then being a group of its own. A group of rows takes as many bytes as they do one after another, so that group g starts
/// where row g · <see cref="GroupRowCount"/> would.
/// </summary>
internal unsafe interface IInterleavedKernel
{
    /// <summary>How copies lie, as lists of kernels say it.</summary>
    string CopyForm { get; }

    /// <summary>Rows of a group, or 0 if the kernel reads this format only one row after another.</summary>
    int GroupRowCount { get; }

    /// <summary>True if what it computes for many tokens from such groups is what that kernel computes from stored rows.</summary>
    bool ReplacesForMany(ProductKernel many);

    /// <summary>Brings whole groups of stored rows side by side.</summary>
    /// <param name="rows">The first stored row.</param>
    /// <param name="rowByteCount">Bytes of a row, and between rows.</param>
    /// <param name="rowCount">Rows, a multiple of <see cref="GroupRowCount"/>.</param>
    /// <param name="groups">Receives as many bytes.</param>
    /// <returns>False if the rows hold numbers that the form does not provide for; what was written is then worthless.</returns>
    bool TryInterleave(byte* rows, long rowByteCount, int rowCount, byte* groups);

    /// <summary>Brings the activations into the form that <see cref="MultiplyInterleaved"/> reads.</summary>
    void PrepareInterleaved(ProductInput input);

    /// <summary>Bits that activations of so many tokens are rounded to, 8 or 16, to be multiplied in whole numbers; 32 if the product is single precision's.</summary>
    int ActivationBits(int tokenCount);

    /// <summary>Rows that are computed together for so many tokens.</summary>
    int InterleavedRowUnit(int tokenCount);

    /// <summary>As <see cref="ProductKernel.Multiply"/>, of whole groups.</summary>
    void MultiplyInterleaved(byte* groups, long rowByteCount, int rowCount, ProductInput input, float* y, int yStride, Scratch scratch);
}
