using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers.Models;

/// <summary>Reads a unigram model from tokenizer.json.</summary>
internal static class UnigramJson
{
    /// <summary>Reads the model.</summary>
    public static UnigramModel Read(JsonPart part)
    {
        part.RefuseKeysExcept("type", "unk_id", "vocab", "byte_fallback");
        JsonPart vocab = part["vocab"];
        var tokens = new List<KeyValuePair<string, int>>();
        var scores = new List<double>();
        foreach (JsonPart item in vocab.GetItems())
        {
            JsonPart[] pair = [.. item.GetItems()];
            if (pair.Length != 2)
                throw item.Wrong("a piece and its score", $"{pair.Length} entries");
            tokens.Add(new(pair[0].GetString(), tokens.Count));
            scores.Add(pair[1].GetNumber());
        }
        if (tokens.Count == 0)
            throw vocab.Wrong("pieces", "none");
        // Without one the reference fails at the first unknown character.
        if (part.Find("unk_id").IsNull)
            throw part.NotSupported("a unigram model without unk_id");
        int unknown = part["unk_id"].GetInteger();
        if (unknown < 0 || unknown >= tokens.Count)
            throw part["unk_id"].Wrong($"an id from 0 to {tokens.Count - 1}", $"{unknown}");
        var vocabulary = new ModelVocabulary([.. tokens], $"{vocab.File}: {vocab.Path}");
        return new UnigramModel(vocabulary, [.. scores], new UnigramOptions(unknown, part.Find("byte_fallback").GetBoolean(false)));
    }
}
