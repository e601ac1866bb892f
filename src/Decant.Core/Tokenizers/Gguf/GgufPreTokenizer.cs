using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>
/// What a <c>tokenizer.ggml.pre</c> name stands for. GGUF has no keys for these, so both programs that read a file must know the name.
/// </summary>
/// <param name="Name">The name written to files.</param>
/// <param name="Aliases">Other names with the same rules.</param>
/// <param name="Normalizer">Rewrites text, if anything does.</param>
/// <param name="Make">Makes what cuts text into words.</param>
/// <param name="IgnoresMerges">True if a whole word that is a token is that token.</param>
/// <param name="AddsBosByDefault">True if llama.cpp adds Bos where <c>tokenizer.ggml.add_bos_token</c> is missing.</param>
/// <param name="IsRoberta">True for RoBERTa's: the same rules as GPT-2's, with a separator behind the text.</param>
/// <param name="Notice">What llama.cpp does otherwise under this name, or null.</param>
internal sealed record GgufPreTokenizer(
    string Name,
    IReadOnlyList<string> Aliases,
    Normalizer? Normalizer,
    Func<PreTokenizer> Make,
    bool IgnoresMerges = false,
    bool AddsBosByDefault = false,
    bool IsRoberta = false,
    string? Notice = null)
{
    private readonly Lazy<PreTokenizer> preTokenizer = new(Make);

    /// <summary>Cuts text into words.</summary>
    public PreTokenizer PreTokenizer => preTokenizer.Value;
}
