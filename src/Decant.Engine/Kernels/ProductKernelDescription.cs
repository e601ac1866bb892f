using Decant.Engine.Inference;

namespace Decant.Engine.Kernels;

/// <summary>What may be said about one kernel of the ordered list outside the engine.</summary>
/// <param name="Name">As <c>--kernel</c> takes it: <c>avx2-q4_0-int8</c>.</param>
/// <param name="Level">Its instruction set.</param>
/// <param name="IsSupported">True if this processor and this build can run it.</param>
/// <param name="Format">The format of the weights, as ggml spells it.</param>
/// <param name="Arithmetic">What it computes in: <see cref="DecoderArithmetic.Fast"/> rounds activations to 8 bits.</param>
/// <param name="Tokens">The numbers of tokens it is for: <c>few</c>, <c>many</c>.</param>
/// <param name="Reads">
/// How it reads weights: <c>rows</c> one after another, from their codes; <c>decoded rows</c>, by the row decoder first; <c>side by side</c> or <c>paired columns</c>, from a copy made at load; <c>panels</c>
/// that it packs for many tokens.
/// </param>
/// <param name="RowsSideBySide">Rows that lie side by side in a copy, or null.</param>
/// <param name="ChosenFor">What it is chosen for on this processor, arithmetic and number of tokens: <c>fast few</c>, <c>float many</c>; empty if never.</param>
public sealed record ProductKernelDescription(
    string Name,
    string Level,
    bool IsSupported,
    string Format,
    DecoderArithmetic Arithmetic,
    IReadOnlyList<string> Tokens,
    IReadOnlyList<string> Reads,
    int? RowsSideBySide,
    IReadOnlyList<string> ChosenFor);
