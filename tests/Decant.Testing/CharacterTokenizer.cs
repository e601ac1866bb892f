using System.Text.Json.Nodes;

namespace Decant.Testing;

/// <summary>A byte-level tokenizer without merges for small models without one: a token for every printable ASCII character and the space, others for the rest of the vocabulary.</summary>
public static class CharacterTokenizer
{
    /// <summary>Writes tokenizer.json.</summary>
    /// <param name="path">The file.</param>
    /// <param name="vocabularySize">Tokens, at least 95.</param>
    public static void Write(string path, int vocabularySize)
    {
        var vocabulary = new JsonObject();
        for (int i = 0; i < 94; i++)
            vocabulary[((char)('!' + i)).ToString()] = i;
        vocabulary["Ġ"] = 94;
        for (int i = 95; i < vocabularySize; i++)
            vocabulary[((char)('À' + i - 95)).ToString()] = i;
        JsonObject ByteLevel() => new() { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["trim_offsets"] = true, ["use_regex"] = true };
        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray(),
            ["normalizer"] = null,
            ["pre_tokenizer"] = ByteLevel(),
            ["post_processor"] = null,
            ["decoder"] = ByteLevel(),
            ["model"] = new JsonObject
            {
                ["type"] = "BPE", ["dropout"] = null, ["unk_token"] = null, ["continuing_subword_prefix"] = null, ["end_of_word_suffix"] = null,
                ["fuse_unk"] = false, ["byte_fallback"] = false, ["vocab"] = vocabulary, ["merges"] = new JsonArray(),
            },
        };
        File.WriteAllText(path, tokenizer.ToJsonString());
    }
}
