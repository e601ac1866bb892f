namespace Decant.Core.Errors;

/// <summary>Exit codes of the <c>decant</c> command, documented in <c>docs/guides/exit-codes.md</c>.</summary>
public enum ExitCode
{
    /// <summary>The work was done.</summary>
    Done = 0,
    /// <summary>A bug in Decant.</summary>
    Bug = 1,
    /// <summary>The command line or recipe asked for something that makes no sense.</summary>
    Usage = 2,
    /// <summary>A file is missing, damaged or unreadable, or cannot be written.</summary>
    BadFile = 3,
    /// <summary>The file is sound, but holds something Decant does not support.</summary>
    NotSupported = 4,
    /// <summary>NaN, infinity or another numerical failure.</summary>
    Numerical = 5,
    /// <summary>The work was done but a stated limit was not met.</summary>
    LimitNotMet = 6,
    /// <summary>Stopped by the user.</summary>
    Cancelled = 130,
}

/// <summary>
/// Base of every error that a user can act on. The message is one line or two: where (file, tensor or key), what was
/// expected, what was found, what to try. Subclasses are split by who must act, not by where the error arose.
/// </summary>
public abstract class DecantException : Exception
{
    private const int MaximumMessageLength = 4000;

    /// <summary>Creates the error. Names in messages may come from hostile files: control characters are replaced, excess is cut.</summary>
    protected DecantException(string message, Exception? inner = null)
        : base(Printable(message), inner)
    {
    }

    /// <summary>The exit code the command line returns for this error.</summary>
    public abstract ExitCode ExitCode { get; }

    private static string Printable(string message)
    {
        if (message.Length > MaximumMessageLength)
            message = message[..MaximumMessageLength] + "…";
        return message.Any(IsUnprintable) ? string.Concat(message.Select(c => IsUnprintable(c) ? '\uFFFD' : c)) : message;
    }

    private static bool IsUnprintable(char c) => char.IsControl(c) && c is not ('\n' or '\t');
}

/// <summary>The caller asked for something impossible: an unknown type name, contradicting options.</summary>
public sealed class UsageException(string message, Exception? inner = null) : DecantException(message, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Usage;
}

/// <summary>A file is missing, damaged, truncated, hostile or cannot be written.</summary>
public sealed class BadFileException(string message, Exception? inner = null) : DecantException(message, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.BadFile;

    /// <summary>Builds the usual message: which file and item, what was expected, what was found.</summary>
    public static BadFileException Expected(string path, string item, string expected, string got, string? hint = null) =>
        new($"{path}: {item}: expected {expected}, got {got}." + (hint is null ? "" : " " + hint));
}

/// <summary>The input is sound but uses a feature Decant does not know: an architecture, a config value, a pre-tokenizer.</summary>
public sealed class NotSupportedModelException(string message, Exception? inner = null) : DecantException(message, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.NotSupported;
}

/// <summary>A value is NaN, infinite, or outside what a format can hold; names tensor and row.</summary>
public sealed class NumericalException(string message, Exception? inner = null) : DecantException(message, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.Numerical;
}

/// <summary>The work was done, but a limit the user or the recipe stated was not met (verify, --max-kld, --max-memory).</summary>
public sealed class LimitNotMetException(string message, Exception? inner = null) : DecantException(message, inner)
{
    /// <inheritdoc/>
    public override ExitCode ExitCode => ExitCode.LimitNotMet;
}
