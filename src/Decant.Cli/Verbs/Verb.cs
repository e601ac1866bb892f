using System.CommandLine;
using Decant.Cli.Running;
using Decant.Core.Errors;

namespace Decant.Cli.Verbs;

/// <summary>A thing the command can do. One subclass in a file of its own, listed once in <see cref="VerbList"/>.</summary>
internal abstract class Verb
{
    /// <summary>The word on the command line.</summary>
    public abstract string Name { get; }

    /// <summary>One line for the overview.</summary>
    public abstract string Description { get; }

    /// <summary>Whole command lines for --help and what each does; at least one.</summary>
    public abstract IReadOnlyList<(string Command, string Meaning)> Examples { get; }

    /// <summary>True if it writes files: stopped in the middle it has something to remove or to keep, which is waited for.</summary>
    public virtual bool WritesFiles => false;

    /// <summary>Adds the verb's arguments and options.</summary>
    public abstract void Declare(Command command);

    /// <summary>Does the work.</summary>
    public abstract ExitCode Run(VerbRun run);
}
