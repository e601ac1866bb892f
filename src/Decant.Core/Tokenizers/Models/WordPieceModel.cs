using System.Text;
using System.Text.Json;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Models;

/// <summary>
/// WordPiece as BERT has it (Devlin et al. 2018): the longest token that a word begins with, then the longest that the rest begins with among those that go on
/// with a word; a word for which that fails, or that is too long, is unknown as a whole.
/// </summary>
internal sealed class WordPieceModel : TokenModel
{
    private readonly PieceTrie beginnings = new();
    private readonly PieceTrie continuations = new();
    private readonly string prefix;
    private readonly int unknownId;
    private readonly int mostCharacters;

    /// <summary>Builds the model.</summary>
    /// <param name="vocabulary">The tokens.</param>
    /// <param name="unknownId">The unknown token.</param>
    /// <param name="prefix">What stands before tokens that go on with a word.</param>
    /// <param name="mostCharacters">Longer words, in code points, are unknown.</param>
    public WordPieceModel(ModelVocabulary vocabulary, int unknownId, string prefix = "##", int mostCharacters = 100)
    {
        Vocabulary = vocabulary;
        this.unknownId = unknownId;
        this.prefix = prefix;
        this.mostCharacters = mostCharacters;
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.FindText(id) is not { Length: > 0 } text)
                continue;
            beginnings.Add(Encoding.UTF8.GetBytes(text), id);
            if (text.Length > prefix.Length && text.StartsWith(prefix, StringComparison.Ordinal))
                continuations.Add(Encoding.UTF8.GetBytes(text[prefix.Length..]), id);
        }
    }

    /// <inheritdoc/>
    public override string Kind => "WordPiece";

    /// <inheritdoc/>
    public override ModelVocabulary Vocabulary { get; }

    /// <summary>The unknown token.</summary>
    public int UnknownId => unknownId;

    /// <summary>What stands before tokens that go on with a word.</summary>
    public string Prefix => prefix;

    /// <summary>Words of more code points are unknown.</summary>
    public int MostCharacters => mostCharacters;

    /// <summary>Reads the model from tokenizer.json.</summary>
    public static WordPieceModel Read(JsonPart part)
    {
        part.RefuseKeysExcept("type", "unk_token", "continuing_subword_prefix", "max_input_chars_per_word", "vocab");
        ModelVocabulary vocabulary = ModelVocabulary.Read(part["vocab"]);
        string unknown = part.Find("unk_token").IsNull ? "[UNK]" : part["unk_token"].GetString();
        int unknownId = vocabulary.FindId(unknown) ?? throw part.Find("unk_token").Wrong("a token of the vocabulary", ModelVocabulary.Quote(unknown));
        string prefix = part.Find("continuing_subword_prefix").IsNull ? "##" : part["continuing_subword_prefix"].GetString();
        int most = part.Find("max_input_chars_per_word").IsNull ? 100 : part["max_input_chars_per_word"].GetInteger();
        return new WordPieceModel(vocabulary, unknownId, prefix, most);
    }

    /// <inheritdoc/>
    public override void Tokenize(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        if (HasMoreCharacters(word) || !TryCut(word, null))
            tokens.Add(unknownId, word.Length);
        else
            TryCut(word, tokens);
    }

    /// <inheritdoc/>
    public override void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "WordPiece");
        writer.WriteString("unk_token", Vocabulary.FindText(unknownId));
        writer.WriteString("continuing_subword_prefix", prefix);
        writer.WriteNumber("max_input_chars_per_word", mostCharacters);
        Vocabulary.WriteJson(writer);
        writer.WriteEndObject();
    }

    private bool HasMoreCharacters(ReadOnlySpan<byte> word)
    {
        if (word.Length <= mostCharacters)
            return false;
        int count = 0;
        foreach (byte b in word)
            count += (b & 0xC0) == 0x80 ? 0 : 1;
        return count > mostCharacters;
    }

    private bool TryCut(ReadOnlySpan<byte> word, TokenBuffer? tokens)
    {
        for (int start = 0; start < word.Length;)
        {
            PieceTrie trie = start == 0 ? beginnings : continuations;
            int node = PieceTrie.Root, longest = -1, longestEnd = start;
            for (int end = start; end < word.Length && trie.TryStep(ref node, word[end], out int id); end++)
            {
                if (id >= 0)
                    (longest, longestEnd) = (id, end + 1);
            }
            if (longest < 0)
                return false;
            tokens?.Add(longest, longestEnd - start);
            start = longestEnd;
        }
        return true;
    }
}
