using System.CommandLine;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Files;

namespace Decant.Cli.Verbs;

/// <summary><c>decant inspect</c>: what a model is, from its headers.</summary>
internal sealed class InspectVerb : Verb
{
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<bool> tensors = new("--tensors") { Description = "List every tensor with shape, type and bytes" };

    public override string Name => "inspect";

    public override string Description => "Say what a model is: family, parameters, layout, types, tokenizer, licence, and what can be done with it";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant inspect model.gguf", "One screen; only headers are read"),
        ("decant inspect model-folder --tensors", "With every tensor"),
        ("decant inspect hf:ORG/NAME --json", "A model of the hub, with everything there is to say"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(tensors);
    }

    public override ExitCode Run(VerbRun run)
    {
        using IModelSource source = ModelLocation.Open(run, run.Get(model));
        // A large vocabulary takes as long as everything else together.
        Task<TokenizerSummary?> readingTokenizer = Task.Run(() => TokenizerSummary.Of(source), run.CancellationToken);
        ModelSummary summary = ModelSummary.Of(source, run.Get(model));
        TokenizerSummary? tokenizer = readingTokenizer.GetAwaiter().GetResult();
        IReadOnlyList<Ability> abilities = ModelAbilities.Of(summary, tokenizer);
        foreach (string notice in summary.Model?.Notices ?? [])
            run.Notice(notice);
        bool listTensors = run.Get(tensors);
        run.Emit(
            () => InspectJson.Of(summary, tokenizer, abilities, listTensors),
            console => InspectText.Print(console, summary, tokenizer, abilities, listTensors));
        return ExitCode.Done;
    }
}
