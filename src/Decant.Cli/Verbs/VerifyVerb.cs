using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Compression.Reports;
using Decant.Compression.Verification;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Evaluation;

namespace Decant.Cli.Verbs;

/// <summary><c>decant verify</c>: is this file that model, rounded?</summary>
internal sealed class VerifyVerb : Verb
{
    private readonly Argument<string> candidate = new("OUT") { Description = "The compressed or converted model" };
    private readonly Option<string> against = new("--against") { Description = "The model it was made from", HelpName = "MODEL", Required = true };
    private readonly Option<double?> maximumDivergence = new Option<double?>("--max-kld") { Description = "The largest mean KL divergence that passes (default: what an honest plain Q4_0 stays below)", HelpName = "X" }.AtLeast(0);
    private readonly Option<bool> noLogits = new("--no-logits") { Description = "Check files, metadata and weights, but do not run the models" };

    public override string Name => "verify";

    public override string Description => "Check that a file is a model made small: tensors, values, tokenizer, metadata, predictions";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant verify small.gguf --against model.gguf", "What compress does before it gives a file its name; exit code 6 if anything is wrong"),
        ("decant verify small.gguf --against model.gguf --max-kld 0.02 --json", "With a limit of one's own, as JSON"),
    ];

    public override void Declare(Command command)
    {
        command.Add(candidate);
        command.Add(against);
        command.Add(maximumDivergence);
        command.Add(noLogits);
    }

    public override ExitCode Run(VerbRun run)
    {
        if (run.Has(maximumDivergence) && run.Get(noLogits))
            throw new UsageException("--max-kld needs the models to run; leave out --no-logits.");
        run.WatchMemory();
        using IModelSource after = ModelLocation.Open(run, run.Get(candidate));
        using IModelSource before = ModelLocation.Open(run, run.Get(against)!);
        var request = new VerifyRequest
        {
            Reference = before,
            Candidate = after,
            CandidateName = run.Get(candidate),
            ReportPath = CompressReport.PathFor(run.Get(candidate)),
            MaximumDivergence = run.Get(maximumDivergence),
            QualityProbe = run.Get(noLogits) ? null : new QualityProbe(),
            ThreadCount = run.ThreadCount,
        };
        VerifyReport report = run.WithProgress(progress => VerifyJob.Run(request, progress, run.CancellationToken));
        foreach (string notice in report.Notices)
            run.Notice(notice);
        run.Emit(
            () =>
            {
                JsonObject document = VerifyOutput.ToJson(report);
                document.Insert(0, "model", run.Get(candidate));
                document.Insert(1, "against", run.Get(against));
                document["notices"] = new JsonArray([.. report.Notices.Select(notice => (JsonNode)notice)]);
                document["peak_memory_bytes"] = run.PeakMemoryByteCount;
                return document;
            },
            console => console.Write(TextOutput.CreateFacts(
            [
                .. VerifyOutput.Checks(report),
                .. VerifyOutput.Quality(report),
                ("result", report.Passed ? "passed" : "FAILED"),
            ])));
        return report.Passed ? ExitCode.Done : run.Fail(ExitCode.LimitNotMet, $"{run.Get(candidate)}: verification failed.");
    }
}
