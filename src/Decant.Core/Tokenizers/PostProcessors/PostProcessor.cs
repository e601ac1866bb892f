using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PostProcessors;

/// <summary>What happens to a text's tokens at the end: special tokens around them, offsets trimmed.</summary>
internal abstract class PostProcessor
{
    /// <summary>The tokens afterwards; may be <paramref name="encoding"/> itself, changed.</summary>
    public abstract EncodingBuilder Process(EncodingBuilder encoding, bool addSpecialTokens);

    /// <summary>The part as tokenizer.json writes it.</summary>
    public abstract JsonObject ToJson();
}

/// <summary>Several post-processors in order.</summary>
internal sealed class SequencePostProcessor(IReadOnlyList<PostProcessor> parts) : PostProcessor
{
    /// <inheritdoc/>
    public override EncodingBuilder Process(EncodingBuilder encoding, bool addSpecialTokens)
    {
        foreach (PostProcessor part in parts)
            encoding = part.Process(encoding, addSpecialTokens);
        return encoding;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Sequence",
        ["processors"] = new JsonArray([.. parts.Select(p => p.ToJson())]),
    };
}
