using System.Globalization;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>
/// Writes a tokenizer into GGUF metadata with the keys and token types that llama.cpp's converter gives it. GGUF names the rules for
/// splitting text instead of carrying them, so only tokenizers whose rules have a name can be written.
/// </summary>
public static class GgufTokenizerExporter
{
    /// <summary>Writes the <c>tokenizer.*</c> keys.</summary>
    /// <param name="tokenizer">The tokenizer.</param>
    /// <param name="metadata">Where the keys go; keys that are there are replaced.</param>
    /// <param name="vocabularySize">Rows of the model's embedding. Ids without a token become placeholders <c>[PADid]</c>.</param>
    /// <returns>What GGUF cannot say about this tokenizer, one sentence each, for the user to read; usually none.</returns>
    /// <exception cref="NotSupportedModelException">The kind of tokenizer, its pre-tokenizer or its template has no form in GGUF.</exception>
    /// <exception cref="BadFileException">The tokenizer has more ids than the model has rows.</exception>
    public static IReadOnlyList<string> Write(Tokenizer tokenizer, GgufMetadata metadata, int vocabularySize)
    {
        TokenizerParts parts = tokenizer.Parts;
        if (tokenizer.VocabularyCount > vocabularySize)
            throw new BadFileException($"{parts.Location}: the tokenizer has ids up to {tokenizer.VocabularyCount - 1}, the model's embedding has {vocabularySize} rows. Are both of one model?");
        SpecialTokenIds special = NameTemplate(tokenizer);
        int? unknown = special.Unknown;
        var notices = new List<string>();
        switch (parts.Model)
        {
            case BpeModel { Options: { ContinuingPrefix: "", WordSuffix: "" } } model:
                unknown ??= model.Options.UnknownId;
                if (model.Options.IsByteLevel)
                    WriteByteLevel(tokenizer, model, special, metadata, vocabularySize, notices);
                else
                    SentencePieceKeys.Write(tokenizer, model, special, metadata, vocabularySize, notices);
                break;
            case UnigramModel model:
                unknown = model.Options.UnknownId;
                UnigramKeys.Write(tokenizer, model, metadata, vocabularySize, notices);
                break;
            case WordPieceModel model:
                unknown = model.UnknownId;
                WordPieceKeys.Write(tokenizer, model, special, metadata, vocabularySize, notices);
                break;
            default:
                throw new NotSupportedModelException(
                    $"{parts.Location}: GGUF has no form for a tokenizer of this kind ({parts.Model.Kind}{(parts.Model is BpeModel ? " with marks at the ends of words, as GPT's" : "")}).");
        }
        WriteId(metadata, GgufKeys.BosId, special.Bos);
        WriteId(metadata, GgufKeys.EosId, special.Eos);
        WriteId(metadata, GgufKeys.UnknownId, unknown);
        WriteId(metadata, GgufKeys.PaddingId, special.Padding);
        metadata.Set(GgufKeys.AddBos, GgufValue.From(tokenizer.PrefixIds.Count > 0));
        // BERT ends a text with its separator, which has a key of its own.
        metadata.Set(GgufKeys.AddEos, GgufValue.From(tokenizer.SuffixIds.Count > 0 && parts.Model is not WordPieceModel));
        if (parts.ChatTemplate is { } template)
            metadata.Set(GgufKeys.ChatTemplate, GgufValue.From(template));
        NoteFlags(tokenizer, notices);
        return notices;
    }

    private static void WriteByteLevel(Tokenizer tokenizer, BpeModel model, SpecialTokenIds special, GgufMetadata metadata, int vocabularySize, List<string> notices)
    {
        GgufPreTokenizer pre = GgufPreTokenizers.Recognise(tokenizer.Parts, notices, out bool addsSpace);
        metadata.Set(GgufKeys.Model, GgufValue.From("gpt2"));
        metadata.Set(GgufKeys.Pre, GgufValue.From(pre.Name));
        if (addsSpace)
            metadata.Set(GgufKeys.AddSpacePrefix, GgufValue.From(true));
        else
            metadata.Remove(GgufKeys.AddSpacePrefix);
        if (pre.IsRoberta)
        {
            WriteId(metadata, GgufKeys.ClassId, tokenizer.PrefixIds.Count > 0 ? tokenizer.PrefixIds[0] : special.Bos);
            WriteId(metadata, GgufKeys.SeparatorId, tokenizer.SuffixIds.Count > 0 ? tokenizer.SuffixIds[^1] : special.Eos);
            WriteId(metadata, GgufKeys.MaskId, tokenizer.FindId("<mask>"));
        }
        var (texts, types) = GgufTokens.Collect(tokenizer, vocabularySize);
        metadata.Set(GgufKeys.Tokens, GgufValue.From(texts));
        metadata.Set(GgufKeys.TokenTypes, GgufValue.From(types));
        string[] merges = new string[model.Merges.Count];
        for (int i = 0; i < merges.Length; i++)
            merges[i] = $"{model.Vocabulary.FindText(model.Merges[i].Left)} {model.Vocabulary.FindText(model.Merges[i].Right)}";
        metadata.Set(GgufKeys.Merges, GgufValue.From(merges));
    }

    /// <summary>The special ids, with those that only the template names: the token put first is Bos, the one put last is Eos.</summary>
    private static SpecialTokenIds NameTemplate(Tokenizer tokenizer)
    {
        SpecialTokenIds special = tokenizer.Special;
        if (tokenizer.PrefixIds.Count > 1 || tokenizer.SuffixIds.Count > 1
            || tokenizer.PrefixIds.Count == 1 && special.Bos is { } bos && bos != tokenizer.PrefixIds[0]
            || tokenizer.SuffixIds.Count == 1 && special.Eos is { } eos && eos != tokenizer.SuffixIds[0])
        {
            throw new NotSupportedModelException(string.Create(CultureInfo.InvariantCulture,
                $"{tokenizer.Parts.Location}: the template puts the ids [{string.Join(", ", tokenizer.PrefixIds)}] before a text and [{string.Join(", ", tokenizer.SuffixIds)}] behind it; GGUF can only say Bos ({special.Bos}) and Eos ({special.Eos})."));
        }
        return special with
        {
            Bos = tokenizer.PrefixIds.Count == 1 ? tokenizer.PrefixIds[0] : special.Bos,
            Eos = tokenizer.SuffixIds.Count == 1 ? tokenizer.SuffixIds[0] : special.Eos,
        };
    }

    /// <summary>Writes an id, or removes the key.</summary>
    internal static void WriteId(GgufMetadata metadata, string key, int? id)
    {
        if (id is { } value)
            metadata.Set(key, GgufValue.From((uint)value));
        else
            metadata.Remove(key);
    }

    private static void NoteFlags(Tokenizer tokenizer, List<string> notices)
    {
        AddedToken[] flagged = [.. tokenizer.Parts.AddedTokens.Where(t => t.SingleWord || t.StripsLeft || t.StripsRight)];
        if (flagged.Length > 0)
            notices.Add($"GGUF cannot say that {ModelVocabulary.Quote(flagged[0].Content)}{(flagged.Length > 1 ? $" and {flagged.Length - 1} other tokens" : "")} swallow spaces or match single words only.");
        AddedToken[] renamed = [.. tokenizer.Parts.AddedTokens.Where(t => t.IsNormalized && tokenizer.FindDecodedText(t.Id) != t.Content)];
        if (renamed.Length > 0)
            notices.Add($"GGUF cannot say that {ModelVocabulary.Quote(renamed[0].Content)} is looked for in normalized text.");
        AddedToken[] spaced = [.. tokenizer.Parts.AddedTokens.Where(t => !t.IsSpecial && t.Content.Contains(GgufTokens.SpaceMark, StringComparison.Ordinal))];
        if (spaced.Length > 0)
            notices.Add($"{spaced.Length} added tokens made of {GgufTokens.SpaceMark} are written with spaces, as llama.cpp's converter does; a text that has {GgufTokens.SpaceMark} itself can get other ids.");
        AddedToken[] promoted = [.. tokenizer.Parts.AddedTokens.Where(t => !t.IsSpecial && GgufTokens.LooksSpecial(t.Content))];
        if (promoted.Length > 0)
            notices.Add($"{promoted.Length} added tokens such as {ModelVocabulary.Quote(promoted[0].Content)} look like control tokens and are written as such, as llama.cpp's converter does; decoding that skips special tokens then leaves them out.");
    }
}
