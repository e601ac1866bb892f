using System.CommandLine;

namespace Decant.Cli.Verbs;

/// <summary>The options of verbs that write a file.</summary>
internal static class OutputOptions
{
    public static Option<string> CreateOutput(string description, bool required) => new("--output", "-o") { Description = description, HelpName = "OUT", Required = required };

    public static Option<bool> CreateForce() => new("--force") { Description = "Replace the output if it exists" };
}
