namespace Decant.Core.Tokenizers;

/// <summary>The tokens of a text while it is being encoded; texts and offsets only if wanted.</summary>
/// <param name="hasDetails">True to collect texts and offsets.</param>
internal sealed class EncodingBuilder(bool hasDetails)
{
    /// <summary>Token ids.</summary>
    public List<int> Ids { get; } = [];

    /// <summary>Token texts, or null if only ids are wanted.</summary>
    public List<string>? Tokens { get; } = hasDetails ? [] : null;

    /// <summary>Offsets, or null if only ids are wanted.</summary>
    public List<TextRange>? Offsets { get; } = hasDetails ? [] : null;

    /// <summary>Appends a token.</summary>
    public void Add(int id, string token, TextRange offsets)
    {
        Ids.Add(id);
        Tokens?.Add(token);
        Offsets?.Add(offsets);
    }

    /// <summary>Appends all tokens of another builder.</summary>
    public void Add(EncodingBuilder other)
    {
        Ids.AddRange(other.Ids);
        Tokens?.AddRange(other.Tokens!);
        Offsets?.AddRange(other.Offsets!);
    }

    /// <summary>An empty builder that collects the same things.</summary>
    public EncodingBuilder CreateEmpty() => new(Tokens is not null);
}
