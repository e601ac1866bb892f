using System.Text.Json;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.HuggingFace;

/// <summary>
/// Reads tokenizer.json. <c>truncation</c> and <c>padding</c> are read over: how long a text may be is for whoever encodes it to say.
/// </summary>
internal static class TokenizerJsonReader
{
    /// <summary>The longest added token in bytes; longer ones would make the search slow.</summary>
    public const int MaxAddedTokenByteCount = 1024;

    /// <summary>Reads the file's parts.</summary>
    /// <param name="json">The file.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="config">What the other files of the folder say.</param>
    public static TokenizerParts Read(ReadOnlyMemory<byte> json, string path, TokenizerConfig config)
    {
        using JsonDocument document = TokenizerFile.Parse(json, path);
        var root = new JsonPart(document.RootElement, path, "");
        root.RefuseKeysExcept("version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model");
        PreTokenizer? preTokenizer = PreTokenizerTypes.Read(root.Find("pre_tokenizer"));
        bool isByteLevel = preTokenizer is ByteLevelPreTokenizer || preTokenizer is SequencePreTokenizer sequence && sequence.Parts.Any(p => p is ByteLevelPreTokenizer);
        TokenModel model = TokenModelTypes.Read(root["model"], isByteLevel);
        AddedToken[] added = ReadAddedTokens(root, model.Vocabulary);
        added = [.. added, .. config.TokensMissingFrom(added, model.Vocabulary)];
        return new TokenizerParts
        {
            Location = path,
            Model = model,
            // The pieces of a unigram model can have the names of special tokens: where these are not to be recognised, their names are text like any other.
            PlainTextModel = (model as UnigramModel)?.Without(added.Where(t => t.IsSpecial).Select(t => t.Id).ToHashSet()),
            AddedTokens = added,
            Normalizer = NormalizerTypes.Read(root.Find("normalizer")),
            PreTokenizer = preTokenizer,
            PostProcessor = PostProcessorTypes.Read(root.Find("post_processor")),
            Decoder = DecoderTypes.Read(root.Find("decoder")),
            Special = config.ResolveSpecialTokens(added, model.Vocabulary),
            ChatTemplate = config.ChatTemplate,
        };
    }

    private static AddedToken[] ReadAddedTokens(JsonPart root, ModelVocabulary vocabulary)
    {
        JsonPart list = root.Find("added_tokens");
        if (list.IsNull)
            return [];
        var tokens = new List<AddedToken>();
        var byContent = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        var byId = new Dictionary<int, AddedToken>();
        foreach (JsonPart item in list.GetItems())
        {
            item.RefuseKeysExcept("id", "content", "single_word", "lstrip", "rstrip", "normalized", "special");
            AddedToken token = ReadAddedToken(item, item["id"].GetInteger());
            if (token.Content.Length == 0 || byContent.TryGetValue(token.Content, out AddedToken? same) && same == token)
                continue;
            CheckId(item, token, vocabulary);
            if (!byContent.TryAdd(token.Content, token) || !byId.TryAdd(token.Id, token))
                throw item.Wrong("an added token with a name and an id of its own", $"{ModelVocabulary.Quote(token.Content)} with id {token.Id}");
            tokens.Add(token);
        }
        return [.. tokens];
    }

    /// <summary>Reads an added token, as it stands here and in tokenizer_config.json.</summary>
    public static AddedToken ReadAddedToken(JsonPart item, int id)
    {
        string content = item["content"].GetString();
        if (System.Text.Encoding.UTF8.GetByteCount(content) > MaxAddedTokenByteCount)
            throw item.Wrong($"an added token of at most {MaxAddedTokenByteCount} bytes", $"{content.Length} characters");
        bool isSpecial = item.Find("special").GetBoolean(false);
        return new AddedToken(
            id,
            content,
            isSpecial,
            item.Find("single_word").GetBoolean(false),
            item.Find("lstrip").GetBoolean(false),
            item.Find("rstrip").GetBoolean(false),
            item.Find("normalized").GetBoolean(!isSpecial));
    }

    /// <summary>Refuses an added token that contradicts the vocabulary.</summary>
    public static void CheckId(JsonPart item, AddedToken token, ModelVocabulary vocabulary)
    {
        if (token.Id is < 0 or > ModelVocabulary.MaxTokenId)
            throw item.Wrong($"an id from 0 to {ModelVocabulary.MaxTokenId}", $"{token.Id}");
        if (vocabulary.FindId(token.Content) is { } id && id != token.Id)
            throw item.Wrong($"id {id}, which {ModelVocabulary.Quote(token.Content)} has in the vocabulary", $"{token.Id}");
        if (vocabulary.FindText(token.Id) is { } text && text != token.Content)
            throw item.Wrong($"{ModelVocabulary.Quote(text)}, which has id {token.Id} in the vocabulary", ModelVocabulary.Quote(token.Content));
    }
}
