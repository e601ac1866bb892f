namespace Decant.Core.Templates;

/// <summary>
/// What one rendering may use. Templates come from downloaded files, so they are treated as hostile: one that loops for ever or
/// builds a huge text ends with <see cref="TemplateLimitException"/> in about a second. Memory at any moment stays under two bytes
/// for each of <see cref="MaxCharacters"/>, plus the output.
/// </summary>
public sealed record TemplateLimits
{
    /// <summary>The limits used when the caller gives none; a prompt of a million tokens stays below them.</summary>
    public static TemplateLimits Default { get; } = new();

    /// <summary>Evaluated nodes, and items and characters looked at (32 characters count as one step).</summary>
    public long MaxSteps { get; init; } = 5_000_000;

    /// <summary>Characters of all intermediate texts together, in UTF-16 units; an element of a list or mapping counts as 16.</summary>
    public long MaxCharacters { get; init; } = 1 << 26;

    /// <summary>Characters of the rendered prompt, and of any one text, in UTF-16 units.</summary>
    public int MaxOutput { get; init; } = 1 << 23;

    /// <summary>Macro calls, recursive loops and lazy filters that may be active at once.</summary>
    public int MaxDepth { get; init; } = 250;
}
