using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Compression.Pipeline;
using Decant.Compression.Pipeline.Estimates;
using Decant.Compression.Reports;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Evaluation;
using Spectre.Console;

namespace Decant.Cli.Verbs;

/// <summary><c>decant compress</c>: makes a model small and says what that cost.</summary>
internal sealed class CompressVerb : Verb
{
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<string> output = OutputOptions.CreateOutput("The file (NAME.gguf) or folder to write", required: true);
    private readonly CompressionInputs inputs = new();
    private readonly Option<bool> force = OutputOptions.CreateForce();
    private readonly Option<bool> restart = new("--restart") { Description = "Use nothing of an earlier run of the same job, finished or not" };
    private readonly Option<bool> noVerify = new("--no-verify") { Description = "Do not check the output, and measure nothing" };
    private readonly Option<double?> maximumDivergence = new Option<double?>("--max-kld") { Description = "Give up, with exit code 6, if the mean KL divergence from the source is above this", HelpName = "X" }.AtLeast(0);

    private readonly Option<string> maximumMemory = new("--max-memory") { Description = "Give up, with exit code 6, if the job needs more private memory than this, as in 2GB", HelpName = "SIZE" };

    public override string Name => "compress";

    public override bool WritesFiles => true;

    public override string Description => "Make a model small; verify it and say what that cost before it gets its name";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant compress model.gguf -o small.gguf --to q4_k_m", "Four bits by llama.cpp's usual mixture; the bytes are llama.cpp's"),
        ("decant compress model-folder -o small.gguf --to q4_0 --imatrix imatrix.gguf", "From a Hugging Face folder, weighted by what the columns are used for"),
        ("decant compress model.gguf -o small.gguf --to q4_k_m --tensor-type ffn_down=Q6_K --max-kld 0.05", "With an exception, and a limit on the damage"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(output);
        inputs.Declare(command);
        foreach (Option option in (Option[])[force, restart, noVerify, maximumDivergence, maximumMemory])
            command.Add(option);
    }

    public override ExitCode Run(VerbRun run)
    {
        if (run.Has(maximumDivergence) && run.Get(noVerify))
            throw new UsageException("--max-kld is checked by the verification that --no-verify leaves out.");
        long memoryLimit = run.Get(maximumMemory) is { } size ? ByteSizes.Parse("--max-memory", size) : long.MaxValue;
        string path = run.Get(output)!;
        using IModelSource source = ModelLocation.Open(run, run.Get(model));
        CompressionPlan plan = CompressionPlan.Create(source, inputs.Read(run, OutputContainers.ForPath(path)));
        // A finished job needs no estimate, and should say so at once.
        bool mayBeDone = !run.Get(restart) && File.Exists(CompressReport.PathFor(path));
        PlanEstimate? estimate = mayBeDone ? null : CompressionInputs.Estimate(run, plan, path, verify: !run.Get(noVerify));
        if (estimate?.PeakMemoryByteCount > memoryLimit)
            throw new LimitNotMetException($"the job would need about {Quantities.Bytes(estimate.PeakMemoryByteCount)} of private memory, more than --max-memory {run.Get(maximumMemory)}. Fewer --threads or --no-verify need less.");
        var options = new CompressOptions
        {
            OutputPath = path,
            Overwrite = run.Get(force),
            Restart = run.Get(restart),
            Verify = !run.Get(noVerify),
            MaximumDivergence = run.Get(maximumDivergence),
            ThreadCount = run.ThreadCount,
            QualityProbe = new QualityProbe(),
            Estimate = estimate,
            Command = run.CommandLine,
        };
        long start = TimeProvider.System.GetTimestamp();
        // A job already finished says so itself; notices would repeat what its first run said.
        CompressResult result = run.WithProgress(progress => CompressJob.Run(plan, options, progress, null, run.CancellationToken));
        if (!result.AlreadyDone)
            Fallbacks.Notify(run, plan, result.Notices);
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        run.Emit(() => ToJson(plan, result, estimate, seconds), console => Print(console, plan, result, estimate, seconds));
        return result.PeakMemoryByteCount > memoryLimit && !result.AlreadyDone
            ? run.Fail(ExitCode.LimitNotMet, $"the job took {Quantities.Bytes(result.PeakMemoryByteCount)} of private memory, more than --max-memory {run.Get(maximumMemory)}; the output is whole.")
            : ExitCode.Done;
    }

    private static JsonObject ToJson(CompressionPlan plan, CompressResult result, PlanEstimate? estimate, double seconds) => new()
    {
        ["output"] = result.OutputPath,
        ["report"] = result.ReportPath,
        ["already_done"] = result.AlreadyDone,
        ["type"] = plan.Request.Type.Name,
        ["bytes_in"] = result.SourceByteCount,
        ["bytes_out"] = result.OutputByteCount,
        ["planned"] = estimate is null ? null : new JsonObject
        {
            ["bytes"] = plan.OutputByteCount,
            ["seconds"] = estimate.Total.TotalSeconds,
            ["encode_seconds"] = estimate.Encode.TotalSeconds,
            ["verify_seconds"] = estimate.Verify.TotalSeconds,
            ["peak_memory_bytes"] = estimate.PeakMemoryByteCount,
        },
        ["bits_per_weight"] = result.BitsPerWeight,
        ["seconds"] = seconds,
        ["hash_seconds"] = result.Times.Hash.TotalSeconds,
        ["sync_seconds"] = result.Times.Synchronize.TotalSeconds,
        ["peak_memory_bytes"] = result.PeakMemoryByteCount,
        ["resumed"] = result.ResumedTensorCount > 0,
        ["resumed_tensors"] = result.ResumedTensorCount,
        ["steps"] = new JsonArray(new JsonObject
        {
            ["method"] = plan.Request.Importance is null ? "round" : "round_with_importance",
            ["type"] = plan.Request.Type.Name,
            ["tensors"] = plan.Tensors.Count(tensor => !tensor.IsCopy),
            ["seconds"] = result.Times.Encode.TotalSeconds,
        }),
        ["verify"] = result.Verification is { } report ? VerifyOutput.ToJson(report) : null,
        ["fallbacks"] = Fallbacks.ToJson(plan),
        ["notices"] = new JsonArray([.. Fallbacks.OtherNotices(plan, result.Notices).Select(notice => (JsonNode)notice)]),
        ["run_with"] = RunCommand(plan, result.OutputPath),
    };

    private static void Print(IAnsiConsole console, CompressionPlan plan, CompressResult result, PlanEstimate? estimate, double seconds)
    {
        if (result.AlreadyDone)
        {
            console.WriteFact($"{result.OutputPath} is finished already: the same source and the same options made it. --restart makes it anew.");
            return;
        }
        var facts = new List<(string, string)>
        {
            ("written", FormattableString.Invariant(
                $"{result.OutputPath}, {Quantities.Bytes(result.OutputByteCount)} from {Quantities.Bytes(result.SourceByteCount)}, {result.BitsPerWeight:F2} bits per weight")),
            ("time", Times(result, seconds)),
            ("memory", $"{Quantities.Bytes(result.PeakMemoryByteCount)} private at most"),
            ("planned", Planned(plan, result, estimate)),
        };
        if (result.Verification is { } report)
        {
            facts.Add(("verified", string.Join(", ", report.Verified)));
            facts.AddRange(VerifyOutput.Quality(report));
        }
        facts.Add(("report", result.ReportPath));
        facts.Add(("run it with", RunCommand(plan, result.OutputPath)));
        console.Write(TextOutput.CreateFacts(facts));
    }

    private static string Planned(CompressionPlan plan, CompressResult result, PlanEstimate? estimate)
    {
        string bytes = result.OutputByteCount == plan.OutputByteCount
            ? $"{Quantities.Count(plan.OutputByteCount)} bytes, and that is what it has"
            : $"{Quantities.Count(plan.OutputByteCount)} bytes of weights; it has {Quantities.Count(result.OutputByteCount)} with its side files";
        return estimate is null ? bytes : FormattableString.Invariant(
            $"{bytes}; encode {estimate.Encode.TotalSeconds:F1} s, verify {estimate.Verify.TotalSeconds:F1} s, {Quantities.Bytes(estimate.PeakMemoryByteCount)} memory");
    }

    private static string Times(CompressResult result, double seconds)
    {
        string text = FormattableString.Invariant(
            $"{Quantities.Duration(TimeSpan.FromSeconds(seconds))}: encode {result.Times.Encode.TotalSeconds:F2} s, hashes {result.Times.Hash.TotalSeconds:F2} s, disk {result.Times.Synchronize.TotalSeconds:F2} s, verify {result.Times.Verify.TotalSeconds:F2} s");
        return result.ResumedTensorCount > 0 ? $"{text}; {result.ResumedTensorCount} tensors taken over from an earlier run" : text;
    }

    // llama-cli ships with llama.cpp and needs a tokenizer; a folder is for transformers.
    private static string RunCommand(CompressionPlan plan, string path) => plan.Request.Container == OutputContainer.Gguf
        ? HasTokenizer(plan.Source)
            ? $"llama-cli -m {ShellText.Quote(path)} -p \"Once upon a time\" -n 64"
            : $"decant logits {ShellText.Quote(path)} --ids FILE -o logits.safetensors   (it has no tokenizer: token ids in, logits out)"
        : !HasTokenizer(plan.Source)
            ? $"decant logits {ShellText.Quote(path)} --ids FILE -o logits.safetensors   (it has no tokenizer: token ids in, logits out)"
        : $"python -c \"import transformers; print(transformers.pipeline('text-generation', '{path}')('Once upon a time'))\"";

    private static bool HasTokenizer(IModelSource source) => source.Gguf is { } metadata
        ? metadata.FindString("tokenizer.ggml.model") is not (null or "none")
        : source.HuggingFace?.FindFile("tokenizer.json") is not null;
}
