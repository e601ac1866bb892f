using System.CommandLine;
using Decant.Engine;

namespace Decant.Cli.Running;

/// <summary>The options every verb has.</summary>
internal sealed class CommonOptions
{
    public Option<bool> Json { get; } = new("--json") { Description = "One JSON document on standard output, everything else on standard error", Recursive = true };

    public Option<bool> Quiet { get; } = new("--quiet") { Description = "No progress and no notices", Recursive = true };

    public Option<bool> Offline { get; } = new("--offline") { Description = "Take hf: models from the local cache alone, as with HF_HUB_OFFLINE=1", Recursive = true };

    public Option<int> Threads { get; } =
        new Option<int>("--threads") { Description = "Threads to use (default: all cores)", HelpName = "N", Recursive = true }.Between(1, WorkerPool.MaximumThreadCount);
}
