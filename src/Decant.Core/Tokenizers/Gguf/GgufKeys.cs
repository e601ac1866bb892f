namespace Decant.Core.Tokenizers.Gguf;

/// <summary>The metadata keys of a tokenizer.</summary>
internal static class GgufKeys
{
    /// <summary>Kind of tokenizer.</summary>
    public const string Model = "tokenizer.ggml.model";
    /// <summary>Name of the splitting rules.</summary>
    public const string Pre = "tokenizer.ggml.pre";
    /// <summary>Token texts.</summary>
    public const string Tokens = "tokenizer.ggml.tokens";
    /// <summary>Scores of SentencePiece.</summary>
    public const string Scores = "tokenizer.ggml.scores";
    /// <summary>See <see cref="Models.TokenType"/>.</summary>
    public const string TokenTypes = "tokenizer.ggml.token_type";
    /// <summary>Merges as "left right".</summary>
    public const string Merges = "tokenizer.ggml.merges";
    /// <summary>Begins a text.</summary>
    public const string BosId = "tokenizer.ggml.bos_token_id";
    /// <summary>Ends a text.</summary>
    public const string EosId = "tokenizer.ggml.eos_token_id";
    /// <summary>Ends a turn.</summary>
    public const string EotId = "tokenizer.ggml.eot_token_id";
    /// <summary>Ends a message.</summary>
    public const string EomId = "tokenizer.ggml.eom_token_id";
    /// <summary>Stands for the unknown.</summary>
    public const string UnknownId = "tokenizer.ggml.unknown_token_id";
    /// <summary>Fills up batches.</summary>
    public const string PaddingId = "tokenizer.ggml.padding_token_id";
    /// <summary>Separates texts; the spelling is GGUF's.</summary>
    public const string SeparatorId = "tokenizer.ggml.seperator_token_id";
    /// <summary>Stands for a text as a whole.</summary>
    public const string ClassId = "tokenizer.ggml.cls_token_id";
    /// <summary>Stands for a word to be guessed.</summary>
    public const string MaskId = "tokenizer.ggml.mask_token_id";
    /// <summary>Whether the separator is put behind a text.</summary>
    public const string AddSeparator = "tokenizer.ggml.add_sep_token";
    /// <summary>Whether of several spaces together one stays, and none at the ends.</summary>
    public const string RemoveExtraSpaces = "tokenizer.ggml.remove_extra_whitespaces";
    /// <summary>SentencePiece's map of characters.</summary>
    public const string CharacterMap = "tokenizer.ggml.precompiled_charsmap";
    /// <summary>Whether BERT's normalizer lowercases.</summary>
    public const string Lowercase = "tokenizer.ggml.normalizer.lowercase";
    /// <summary>Whether BERT's normalizer leaves out accents.</summary>
    public const string StripAccents = "tokenizer.ggml.normalizer.strip_accents";
    /// <summary>Whether Bos is put before a text.</summary>
    public const string AddBos = "tokenizer.ggml.add_bos_token";
    /// <summary>Whether Eos is put behind a text.</summary>
    public const string AddEos = "tokenizer.ggml.add_eos_token";
    /// <summary>Whether a space is put before a text.</summary>
    public const string AddSpacePrefix = "tokenizer.ggml.add_space_prefix";
    /// <summary>The chat template.</summary>
    public const string ChatTemplate = "tokenizer.chat_template";
}
