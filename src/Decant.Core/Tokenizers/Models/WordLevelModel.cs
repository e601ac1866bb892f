using System.Text.Json;
using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.Models;

/// <summary>Every word is a token or unknown.</summary>
/// <param name="vocabulary">The words.</param>
/// <param name="unknownId">The unknown token.</param>
internal sealed class WordLevelModel(ModelVocabulary vocabulary, int unknownId) : TokenModel
{
    /// <inheritdoc/>
    public override string Kind => "word level";

    /// <inheritdoc/>
    public override ModelVocabulary Vocabulary { get; } = vocabulary;

    /// <summary>Reads the model from tokenizer.json.</summary>
    public static WordLevelModel Read(JsonPart part)
    {
        part.RefuseKeysExcept("type", "unk_token", "vocab");
        ModelVocabulary vocabulary = ModelVocabulary.Read(part["vocab"]);
        string unknown = part.Find("unk_token").IsNull ? "<unk>" : part["unk_token"].GetString();
        return new WordLevelModel(
            vocabulary, vocabulary.FindId(unknown) ?? throw part.Find("unk_token").Wrong("a token of the vocabulary", ModelVocabulary.Quote(unknown)));
    }

    /// <inheritdoc/>
    public override void Tokenize(ReadOnlySpan<byte> word, TokenBuffer tokens) => tokens.Add(Vocabulary.FindUtf8(word) ?? unknownId, word.Length);

    /// <inheritdoc/>
    public override void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "WordLevel");
        Vocabulary.WriteJson(writer);
        writer.WriteString("unk_token", Vocabulary.FindText(unknownId));
        writer.WriteEndObject();
    }
}
