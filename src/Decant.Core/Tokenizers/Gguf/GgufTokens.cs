using System.Globalization;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.Gguf;

/// <summary>Texts and types of tokens as GGUF has them.</summary>
internal static class GgufTokens
{
    /// <summary>SentencePiece's stand-in for a space, U+2581.</summary>
    public const string SpaceMark = "\u2581";

    /// <summary>What a prepend_scheme of "first" loses.</summary>
    public const string FirstSpaceNotice =
        "GGUF cannot say that a space goes before the first word only: it will also go before words that follow a special token, and before a text that begins with a space.";

    /// <summary>The text of an id that no token has: converters fill a vocabulary up to the rows of the embedding with them.</summary>
    public static string Placeholder(int id) => string.Create(CultureInfo.InvariantCulture, $"[PAD{id}]");

    /// <summary>The tokens of a byte-level vocabulary: added ones are control or user-defined, the others normal, gaps unused.</summary>
    public static (string[] Texts, int[] Types) Collect(Tokenizer tokenizer, int vocabularySize)
    {
        string[] texts = new string[vocabularySize];
        int[] types = new int[vocabularySize];
        var added = tokenizer.Parts.AddedTokens.ToDictionary(t => t.Id);
        for (int id = 0; id < vocabularySize; id++)
        {
            if (added.TryGetValue(id, out AddedToken? token))
            {
                bool isControl = token.IsSpecial || LooksSpecial(token.Content);
                // A user-defined token is looked for in text as it is written, with spaces.
                texts[id] = isControl ? token.Content : token.Content.Replace(SpaceMark, " ", StringComparison.Ordinal);
                types[id] = (int)(isControl ? TokenType.Control : TokenType.UserDefined);
                continue;
            }
            string? text = id < tokenizer.VocabularyCount ? tokenizer.FindText(id) : null;
            texts[id] = string.IsNullOrEmpty(text) ? Placeholder(id) : text;
            types[id] = (int)(string.IsNullOrEmpty(text) ? TokenType.Unused : TokenType.Normal);
        }
        return (texts, types);
    }

    /// <summary>Gives the tokens of bytes their type.</summary>
    public static void MarkBytes(ModelVocabulary vocabulary, int[] types)
    {
        foreach (int id in ByteTokens.Find(vocabulary))
        {
            if (id >= 0)
                types[id] = (int)TokenType.Byte;
        }
    }

    /// <summary>True for names that llama.cpp's converter takes for control tokens though their files do not say so.</summary>
    public static bool LooksSpecial(string text) =>
        text is "<pad>" or "<mask>" or "<2mass>" or "[@BOS@]"
        || text.StartsWith("<|", StringComparison.Ordinal) && text.EndsWith("|>", StringComparison.Ordinal)
        || text.StartsWith("<｜", StringComparison.Ordinal) && text.EndsWith("｜>", StringComparison.Ordinal)
        || text.StartsWith("<unused", StringComparison.Ordinal) && text.EndsWith('>');
}
