using System.CommandLine;

namespace Decant.Cli.Verbs;

/// <summary>The options of verbs that write a file.</summary>
internal static class OutputOptions
{
    public static Option<string> CreateOutput(string description, bool required) 
    {
        var option = new Option<string>("--output", "-o") { Description = description, HelpName = "OUT", Required = required };
        option.Validators.Add(result =>
        {
            if (result.Tokens.Any(token => string.IsNullOrWhiteSpace(token.Value)))
                result.AddError("--output: expected the name of a file or folder, got nothing.");
        });
        return option;
    }

    public static Option<bool> CreateForce() => new("--force") { Description = "Replace the output if it exists" };
}
