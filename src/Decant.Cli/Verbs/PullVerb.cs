using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Hub;

namespace Decant.Cli.Verbs;

/// <summary><c>decant pull</c>: brings a model of the Hugging Face hub into the local cache.</summary>
internal sealed class PullVerb : Verb
{
    private readonly Argument<string> model = new("MODEL") { Description = "A model of the Hugging Face hub: hf:ORG/NAME, hf:ORG/NAME@REVISION, hf:ORG/NAME/FILE.gguf" };

    public override string Name => "pull";

    public override string Description => "Fetch a model of the Hugging Face hub, or what has changed of it, into the local cache";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant pull hf:HuggingFaceTB/SmolLM2-135M", "Into the cache that Python's tools use too; other verbs take the same name and fetch what is missing by themselves"),
        ("decant pull hf:ORG/NAME@v1.0 --json", "A tag, branch or commit; where it lies, as JSON"),
    ];

    public override void Declare(Command command) => command.Add(model);

    public override ExitCode Run(VerbRun run)
    {
        HubReference reference = ModelLocation.Parse(run.Get(model));
        HubModel fetched = ModelLocation.Fetch(run, reference, update: true);
        run.Emit(
            () => new JsonObject
            {
                ["model"] = reference.ToString(),
                ["commit"] = fetched.Commit,
                ["path"] = fetched.Path,
                ["files"] = new JsonArray([.. fetched.Files.Select(file => (JsonNode)file)]),
                ["bytes"] = fetched.ByteCount,
                ["downloaded_bytes"] = fetched.DownloadedByteCount,
            },
            console => console.Write(TextOutput.CreateFacts(
            [
                ("model", reference.ToString()),
                ("commit", fetched.Commit),
                ("size", $"{Quantities.Bytes(fetched.ByteCount)} in {fetched.Files.Count} {(fetched.Files.Count == 1 ? "file" : "files")}, {(fetched.DownloadedByteCount == 0 ? "all there already" : $"{Quantities.Bytes(fetched.DownloadedByteCount)} downloaded")}"),
                ("path", fetched.Path),
            ])));
        return ExitCode.Done;
    }
}
