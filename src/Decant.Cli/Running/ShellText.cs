namespace Decant.Cli.Running;

/// <summary>Command lines as text that a shell reads back the same.</summary>
internal static class ShellText
{
    private const string plainCharacters = "-_./:=+,@%";

    /// <summary>An argument, quoted only if it must be.</summary>
    public static string Quote(string argument) => argument.Length > 0 && argument.All(c => char.IsAsciiLetterOrDigit(c) || plainCharacters.Contains(c, StringComparison.Ordinal))
        ? argument
        : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    /// <summary>A whole command line.</summary>
    public static string Join(IEnumerable<string> arguments) => string.Join(' ', arguments.Select(Quote));
}
