using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.Normalizers;

/// <summary>Rewrites the text between added tokens before it is split.</summary>
internal abstract class Normalizer
{
    /// <summary>The normalized text; <paramref name="text"/> itself if nothing changes.</summary>
    public abstract AlignedText Normalize(AlignedText text);

    /// <summary>The part as tokenizer.json writes it.</summary>
    public abstract JsonObject ToJson();
}

/// <summary>Several normalizers in order.</summary>
internal sealed class SequenceNormalizer(IReadOnlyList<Normalizer> parts) : Normalizer
{
    /// <summary>The parts.</summary>
    public IReadOnlyList<Normalizer> Parts => parts;

    /// <inheritdoc/>
    public override AlignedText Normalize(AlignedText text)
    {
        foreach (Normalizer part in parts)
            text = part.Normalize(text);
        return text;
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Sequence",
        ["normalizers"] = new JsonArray([.. parts.Select(p => p.ToJson())]),
    };
}
