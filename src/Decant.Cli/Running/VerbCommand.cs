using System.CommandLine;
using Decant.Cli.Verbs;

namespace Decant.Cli.Running;

/// <summary>The command of a verb.</summary>
internal sealed class VerbCommand(Verb verb) : Command(verb.Name, verb.Description)
{
    public Verb Verb { get; } = verb;
}
