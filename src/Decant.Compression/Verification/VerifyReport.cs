using Decant.Core.Errors;
using Decant.Core.Measurement;

namespace Decant.Compression.Verification;

/// <summary>The outcome of one check.</summary>
/// <param name="Name">A lower-case word: <c>tensors</c>, <c>values</c>, <c>metadata</c>, <c>tokenizer</c>, <c>logits</c>.</param>
/// <param name="Passed">True if nothing was found wrong.</param>
/// <param name="Detail">What was checked, or the first thing that is wrong.</param>
public sealed record VerifyCheck(string Name, bool Passed, string Detail)
{
    /// <summary>False if there was nothing to check it with, which is no failure.</summary>
    public bool WasRun { get; init; } = true;
}

/// <summary>What <c>verify</c> found.</summary>
public sealed record VerifyReport
{
    /// <summary>The file or folder that was checked, for messages.</summary>
    public required string Location { get; init; }

    /// <summary>All checks, in the order they were made.</summary>
    public required IReadOnlyList<VerifyCheck> Checks { get; init; }

    /// <summary>The names of the checks that were run and passed.</summary>
    public IEnumerable<string> Verified => Checks.Where(check => check.WasRun && check.Passed).Select(check => check.Name);

    /// <summary>Perplexity and divergence, or null if the models could not be run.</summary>
    public QualityFigures? Quality { get; init; }

    /// <summary>The text or ids the figures were taken on, or null.</summary>
    public string? QualityText { get; init; }

    /// <summary>Things the user should know that are no failure.</summary>
    public IReadOnlyList<string> Notices { get; init; } = [];

    /// <summary>How long it took.</summary>
    public TimeSpan Duration { get; init; }

    /// <summary>True if every check passed.</summary>
    public bool Passed => Checks.All(check => check.Passed);

    /// <summary>Throws if a check failed.</summary>
    /// <exception cref="LimitNotMetException">Names each check that failed and what was found.</exception>
    public void ThrowIfFailed()
    {
        string[] failures = [.. Checks.Where(check => !check.Passed).Select(check => $"{check.Name}: {check.Detail}")];
        if (failures.Length > 0)
            throw new LimitNotMetException($"{Location}: verification failed. {string.Join(" | ", failures)}");
    }
}
