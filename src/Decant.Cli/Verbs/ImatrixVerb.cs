using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Compression.Calibration;
using Decant.Core.Errors;
using Decant.Engine.Inference;

namespace Decant.Cli.Verbs;

/// <summary><c>decant imatrix</c>: which columns of the weights matter on a text.</summary>
internal sealed class ImatrixVerb : Verb
{
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<string[]> text = new("--text") { Description = "Text to run through the model, or conversations (.jsonl: messages, or conversations as ShareGPT has them), which go through its chat template; may be given several times (default: a built-in book chapter)", HelpName = "FILE", Arity = ArgumentArity.OneOrMore };
    private readonly Option<string> output = OutputOptions.CreateOutput("The .gguf file to write", required: true);
    private readonly Option<int> context = new Option<int>("--context") { Description = "Tokens in a window (default 512, or the model's context if that is shorter)", HelpName = "N" }.AtLeast(1);
    private readonly Option<int> chunks = new Option<int>("--chunks") { Description = "Only the first N windows", HelpName = "N" }.AtLeast(1);
    private readonly Option<bool> force = OutputOptions.CreateForce();

    public override string Name => "imatrix";

    public override bool WritesFiles => true;

    public override string Description => "Measure which inputs of the weights matter on a text, for compress --imatrix";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant imatrix model.gguf --text calibration.txt -o imatrix.gguf", "In llama.cpp's GGUF form; its llama-quantize reads it too"),
        ("decant imatrix model.gguf --text conversations.jsonl -o imatrix.gguf", "Conversations, through the model's chat template"),
        ("decant imatrix model.gguf --text calibration.txt --chunks 100 -o imatrix.gguf", "The first 100 windows of 512 tokens"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        foreach (Option option in (Option[])[text, output, context, chunks, force])
            command.Add(option);
    }

    public override ExitCode Run(VerbRun run)
    {
        string path = run.Get(output)!;
        if (!path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase))
            throw new UsageException($"{path}: importance matrices are written as GGUF; give the output a name that ends in .gguf.");
        if (File.Exists(path) && !run.Get(force))
            throw new UsageException($"{path}: the file exists already. Choose another name, or replace it with --force.");
        run.WatchMemory();
        long start = TimeProvider.System.GetTimestamp();
        string[] files = run.Get(text) ?? [];
        CalibrationText[] texts = files.Length == 0 ? [CalibrationText.BuiltIn] : [.. files.Select(CalibrationText.Read)];
        using OpenModel opened = OpenModel.Open(run, run.Get(model));
        LanguageModels.RequireText(opened.AnyModel);
        var options = new ImatrixOptions
        {
            ContextLength = run.Has(context) ? run.Get(context) : Math.Min(new ImatrixOptions().ContextLength, opened.AnyModel.Spec.ContextLength),
            MaximumChunkCount = run.Has(chunks) ? run.Get(chunks) : null,
            ThreadCount = run.ThreadCount,
        };
        ImportanceMatrix matrix = run.WithProgress(progress =>
            ImatrixJob.Collect(opened.AnyModel, opened.RequireTokenizer(), texts, options, progress, run.CancellationToken));
        ImportanceMatrixFile.Write(path, matrix, run.Get(force), [run.Get(model), .. files]);
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        run.Emit(
            () => new JsonObject
            {
                ["output"] = path,
                ["bytes_out"] = new FileInfo(path).Length,
                ["entries"] = matrix.Entries.Count,
                ["texts"] = new JsonArray([.. matrix.Datasets.Select(name => (JsonNode)name)]),
                ["chunks"] = matrix.ChunkCount,
                ["chunk_tokens"] = matrix.ChunkSize,
                ["seconds"] = seconds,
                ["peak_memory_bytes"] = run.PeakMemoryByteCount,
            },
            console => console.Write(TextOutput.CreateFacts(
            [
                ("written", $"{path}, {Quantities.Bytes(new FileInfo(path).Length)}: {matrix.Entries.Count} matrices, {matrix.ChunkCount} windows of {matrix.ChunkSize} tokens"),
                ("text", string.Join(", ", matrix.Datasets)),
                ("time", $"{Quantities.Duration(TimeSpan.FromSeconds(seconds))}, {Quantities.Bytes(run.PeakMemoryByteCount)} private memory at most"),
            ])));
        return ExitCode.Done;
    }
}
