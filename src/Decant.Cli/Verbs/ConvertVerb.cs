using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Compression.Pipeline;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Evaluation;

namespace Decant.Cli.Verbs;

/// <summary><c>decant convert</c>: the same model in the other container.</summary>
internal sealed class ConvertVerb : Verb
{
    private static readonly TensorFormat[] plainTypes = [TensorFormats.F32, TensorFormats.F16, TensorFormats.BF16];

    // Names of containers on the command line.
    private static readonly (string Name, OutputContainer Container)[] containers = [("gguf", OutputContainer.Gguf), ("hf", OutputContainer.HuggingFace)];

    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<string> output = OutputOptions.CreateOutput("The file (NAME.gguf) or folder to write", required: true);
    private readonly Option<string> format = new("--format") { Description = "gguf or hf; said by the name of the output otherwise", HelpName = "NAME" };
    private readonly Option<string> type = new("--type") { Description = "Store matrices as f32, f16 or bf16 (default: as they are, where the container has the type)", HelpName = "TYPE" };
    private readonly Option<string> shardSize = CompressionInputs.ShardOption();
    private readonly Option<bool> force = OutputOptions.CreateForce();
    private readonly Option<bool> restart = new("--restart") { Description = "Use nothing of an unfinished earlier run" };
    private readonly Option<bool> noVerify = new("--no-verify") { Description = "Do not check the output" };

    public override string Name => "convert";

    public override bool WritesFiles => true;

    public override string Description => "Write a model in the other container: Hugging Face folder to GGUF, or back";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant convert model-folder -o model.gguf", "A file that llama.cpp and Decant load"),
        ("decant convert model-folder -o model.gguf --type f16", "With 16-bit matrices"),
        ("decant convert model.gguf -o model-folder", "A folder that transformers loads"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        foreach (Option option in (Option[])[output, format, type, shardSize, force, restart, noVerify])
            command.Add(option);
    }

    public override ExitCode Run(VerbRun run)
    {
        string path = run.Get(output)!;
        var options = new ConvertOptions
        {
            OutputPath = path,
            Container = Container(run.Get(format), path),
            Format = run.Get(type) is { } name ? Type(name) : null,
            Overwrite = run.Get(force),
            Restart = run.Get(restart),
            Verify = !run.Get(noVerify),
            ThreadCount = run.ThreadCount,
            QualityProbe = new QualityProbe(),
        };
        if (CompressionInputs.ShardSize(run, shardSize, options.Container) is { } size)
            options = options with { MaximumShardByteCount = size };
        using IModelSource source = ModelLocation.Open(run, run.Get(model));
        long start = TimeProvider.System.GetTimestamp();
        ConvertResult result = run.WithProgress(progress => ConvertJob.Run(source, options, progress, null, run.CancellationToken));
        foreach (string notice in result.Notices)
            run.Notice(notice);
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        run.Emit(
            () => new JsonObject
            {
                ["output"] = result.OutputPath,
                ["container"] = options.Container == OutputContainer.Gguf ? "gguf" : "hugging_face",
                ["type"] = options.Format?.Name,
                ["bytes_in"] = result.SourceByteCount,
                ["bytes_out"] = result.OutputByteCount,
                ["seconds"] = seconds,
                ["peak_memory_bytes"] = result.PeakMemoryByteCount,
                ["resumed"] = result.ResumedTensorCount > 0,
                ["resumed_tensors"] = result.ResumedTensorCount,
                ["verify"] = result.Verification is { } report ? VerifyOutput.ToJson(report) : null,
                ["notices"] = new JsonArray([.. result.Notices.Select(notice => (JsonNode)notice)]),
            },
            console =>
            {
                var facts = new List<(string, string)>
                {
                    ("written", $"{result.OutputPath}, {Quantities.Bytes(result.OutputByteCount)} from {Quantities.Bytes(result.SourceByteCount)}"),
                    ("time", $"{Quantities.Duration(TimeSpan.FromSeconds(seconds))}, {Quantities.Bytes(result.PeakMemoryByteCount)} private memory at most"),
                };
                if (result.ResumedTensorCount > 0)
                    facts.Add(("resumed", $"{result.ResumedTensorCount} tensors taken over from an interrupted run"));
                if (result.Verification is { } report)
                {
                    facts.Add(("verified", string.Join(", ", report.Verified)));
                    facts.AddRange(VerifyOutput.Quality(report));
                }
                console.Write(TextOutput.CreateFacts(facts));
            });
        return ExitCode.Done;
    }

    private static OutputContainer Container(string? name, string path)
    {
        OutputContainer byPath = OutputContainers.ForPath(path);
        if (name is null)
            return byPath;
        int index = Array.FindIndex(containers, c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (index < 0)
            throw new UsageException($"--format {name}: expected gguf or hf.");
        if (containers[index].Container != byPath)
            throw new UsageException($"--format {name} does not go with the output {path}: a name that ends in .gguf is a GGUF file, any other a folder.");
        return byPath;
    }

    private static TensorFormat Type(string name) =>
        plainTypes.FirstOrDefault(t => t.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? throw new UsageException(TensorFormats.FindByName(name) is null
            ? $"--type {name}: there is no such type.{NearestName.Hint(name, plainTypes.Select(t => t.Name))} Known: f32, f16, bf16."
            : $"--type {name}: convert writes f32, f16 or bf16. For quantized types: decant compress MODEL -o OUT --to {name}");
}
