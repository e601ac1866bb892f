using System.Text.Json;

namespace Decant.Core.Tokenizers.Models;

/// <summary>Turns one word into tokens, and knows the vocabulary. Immutable apart from a cache; safe for several threads.</summary>
internal abstract class TokenModel
{
    /// <summary>The vocabulary.</summary>
    public abstract ModelVocabulary Vocabulary { get; }

    /// <summary>What the field calls it.</summary>
    public abstract string Kind { get; }

    /// <summary>True if tokens are written in <see cref="ByteLevelAlphabet"/>.</summary>
    public virtual bool IsByteLevel => false;

    /// <summary>A token that goes by the text it stands for, not by its name, where the texts of an encoding are listed; null if there is none.</summary>
    public virtual int? VerbatimId => null;

    /// <summary>Appends the tokens of a word (UTF-8, not empty) to <paramref name="tokens"/>.</summary>
    public abstract void Tokenize(ReadOnlySpan<byte> word, TokenBuffer tokens);

    /// <summary>Writes the model as tokenizer.json does, the braces included.</summary>
    public abstract void WriteJson(Utf8JsonWriter writer);
}
