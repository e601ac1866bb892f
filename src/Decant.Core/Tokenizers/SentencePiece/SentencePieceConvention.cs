using Decant.Core.Errors;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;

namespace Decant.Core.Tokenizers.SentencePiece;

/// <summary>
/// What a class of transformers does around a SentencePiece model: the file itself says nothing of it. Without a class (no tokenizer_config.json) the pieces
/// tell: <c>[CLS]</c> and <c>[SEP]</c> stand around a text, a unigram model without Bos ends a text by Eos (T5), merges begin one with Bos (Llama).
/// </summary>
/// <param name="Classes">The classes.</param>
/// <param name="Before">The piece put before a text, or null.</param>
/// <param name="After">The piece put behind a text, or null.</param>
/// <param name="HasFlags">True if <c>add_bos_token</c> and <c>add_eos_token</c> of tokenizer_config.json decide.</param>
/// <param name="IsFairseq">True if ids are fairseq's: four special tokens of its own before the pieces, a mask behind them.</param>
/// <param name="Prepares">What is done to a text before the model's own normalizer, or null.</param>
/// <param name="ExtraIdCount">How many <c>&lt;extra_id_N&gt;</c> follow the pieces, last one first, where the files list no added tokens.</param>
internal sealed record SentencePieceConvention(
    IReadOnlyList<string> Classes,
    Func<SentencePieceFile, string?> Before,
    Func<SentencePieceFile, string?> After,
    bool HasFlags = false,
    bool IsFairseq = false,
    Func<TokenizerConfig, IEnumerable<Normalizer>>? Prepares = null,
    int ExtraIdCount = 0)
{
    private static readonly SentencePieceConvention llama = new(
        ["LlamaTokenizer", "CodeLlamaTokenizer", "GemmaTokenizer", "MistralTokenizer"], file => file.BosPiece, _ => null, HasFlags: true);

    private static readonly SentencePieceConvention t5 = new(["T5Tokenizer", "MT5Tokenizer"], _ => null, file => file.EosPiece, ExtraIdCount: 100);

    private static readonly SentencePieceConvention albert = new(["AlbertTokenizer"], _ => "[CLS]", _ => "[SEP]", Prepares: PrepareAlbert);

    private static readonly SentencePieceConvention[] all =
    [
        llama,
        t5,
        albert,
        new(["XLMRobertaTokenizer"], _ => "<s>", _ => "</s>", IsFairseq: true),
        new(["BigBirdTokenizer", "DebertaV2Tokenizer"], _ => "[CLS]", _ => "[SEP]"),
    ];

    // Their ids are not the file's, or their texts are changed in other ways.
    private static readonly string[] refused =
        ["BarthezTokenizer", "CamembertTokenizer", "M2M100Tokenizer", "MBartTokenizer", "MBart50Tokenizer", "MarianTokenizer", "NllbTokenizer", "PegasusTokenizer", "RemBertTokenizer", "XGLMTokenizer", "XLNetTokenizer"];

    /// <summary>The convention of a class, or what the pieces tell.</summary>
    /// <exception cref="NotSupportedModelException">A class that does what is not known here.</exception>
    public static SentencePieceConvention Find(string? className, SentencePieceFile file, string path)
    {
        if (className is not null && refused.Contains(className))
            throw new NotSupportedModelException($"{path}: {className} gives the pieces other ids; save the folder with a tokenizer.json (transformers writes one).");
        if (className is not null && all.FirstOrDefault(c => c.Classes.Contains(className)) is { } known)
            return known;
        if (file.Find("[CLS]", TokenType.Control) is not null && file.Find("[SEP]", TokenType.Control) is not null)
            return albert with { Prepares = null };
        if (file.Kind == SentencePieceKind.Bpe)
            return llama;
        return file.Find(file.BosPiece, TokenType.Control) is null && file.Find(file.EosPiece, TokenType.Control) is not null
            ? t5 with { ExtraIdCount = 0 }
            : new([], _ => null, _ => null, HasFlags: true);
    }

    private static IEnumerable<Normalizer> PrepareAlbert(TokenizerConfig config)
    {
        yield return new ReplaceNormalizer("``", "\"");
        yield return new ReplaceNormalizer("''", "\"");
        if (config.FindFlag("keep_accents") is not true)
        {
            yield return new DecomposingNormalizer(compatibility: true);
            yield return FilterNormalizer.StripAccents;
        }
        if (config.FindFlag("do_lower_case") is not false)
            yield return new LowercaseNormalizer();
    }
}
