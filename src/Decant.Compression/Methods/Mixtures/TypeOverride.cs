using System.Text.RegularExpressions;
using Decant.Core.Errors;
using Decant.Core.Formats;

namespace Decant.Compression.Methods.Mixtures;

/// <summary>
/// <c>--tensor-type REGEX=TYPE</c>: tensors whose GGUF name the pattern matches anywhere, ignoring case, get this format. Of several that
/// match the first wins. Only tensors that may be quantized are considered. Strict: a format that cannot hold the rows is an error.
/// </summary>
/// <param name="Pattern">The pattern as written.</param>
/// <param name="Format">The format.</param>
public sealed record TypeOverride(string Pattern, TensorFormat Format)
{
    /// <summary>Patterns that backtrack without end on a name are stopped.</summary>
    private static readonly TimeSpan matchLimit = TimeSpan.FromSeconds(1);

    private readonly Regex regex = Compile(Pattern);

    /// <summary>Reads <c>REGEX=TYPE</c>; the last equals sign separates.</summary>
    /// <exception cref="UsageException">No equals sign, a pattern that is no regular expression, an unknown type or one without an encoder.</exception>
    public static TypeOverride Parse(string text)
    {
        int separator = text.LastIndexOf('=');
        if (separator <= 0 || separator == text.Length - 1)
            throw new UsageException($"'{text}': expected REGEX=TYPE, as in ffn_down=Q6_K.");
        string typeName = text[(separator + 1)..].Trim();
        IReadOnlyList<TensorFormat> writable = FileTypes.WeightFormats;
        if (writable.FirstOrDefault(f => f.Name.Equals(typeName, StringComparison.OrdinalIgnoreCase)) is not { } format)
        {
            string names = string.Join(", ", writable);
            throw new UsageException(TensorFormats.FindByName(typeName) is null
                ? $"'{text}': there is no tensor type '{typeName}'. Did you mean {NearestName.Of(typeName, writable.Select(f => f.Name))}? Types for weights: {names}."
                : $"'{text}': {typeName.ToUpperInvariant()} cannot be written for weights. Types that can: {names}.");
        }
        return new TypeOverride(text[..separator], format);
    }

    /// <summary>True if the pattern matches the name.</summary>
    /// <exception cref="UsageException">Matching takes longer than a second.</exception>
    public bool Matches(string name)
    {
        try
        {
            return regex.IsMatch(name);
        }
        catch (RegexMatchTimeoutException e)
        {
            throw new UsageException($"--tensor-type {Pattern}={Format}: the pattern takes too long on '{name}'; write it without nested repeats.", e);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{Pattern}={Format}";

    private static Regex Compile(string pattern)
    {
        try
        {
            return new Regex(pattern, RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, matchLimit);
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"--tensor-type: '{pattern}' is no regular expression: {e.Message}", e);
        }
    }
}
