using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Generation;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

namespace Decant.Cli.Verbs;

/// <summary><c>decant run</c>: lets a model continue a text.</summary>
internal sealed class RunVerb : Verb
{
    private const int defaultCount = 64;

    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Argument<string> prompt = new("PROMPT") { Description = "The text to continue ('-' reads standard input)" };
    private readonly SamplingOptions sampling = new(defaultCount, defaultTemperature: 0);
    private readonly EngineOptions engine = new(DecoderArithmetic.Fast, WeightPlacement.Automatic);

    public override string Name => "run";

    public override string Description => "Continue a text";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant run model.gguf \"Once upon a time\"", "The likeliest continuation, 64 tokens, as it is written"),
        ("decant run model.gguf \"Once upon a time\" -n 200 --temperature 0.8 --seed 7", "A drawn one; another seed gives another text"),
        ("decant run model.gguf \"Q: 2+2? A:\" --stop Q: --json", "Text, ids, and why it ended, as one JSON document"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(prompt);
        sampling.Declare(command);
        engine.Declare(command);
    }

    public override ExitCode Run(VerbRun run)
    {
        long start = TimeProvider.System.GetTimestamp();
        run.WatchMemory();
        IReadOnlyList<string> stops = sampling.Stops(run);
        Sampler sampler = sampling.CreateSampler(run);
        int count = sampling.Count(run);
        using OpenModel opened = OpenModel.Open(run, run.Get(model));
        Tokenizer tokenizer = opened.LoadWithTokenizer(engine.ToDecoderOptions(run, count));
        ILanguageModel loaded = opened.Loaded;
        string text = run.Get(prompt) == "-" ? run.Terminal.Input.ReadToEnd() : run.Get(prompt);
        int[] ids = tokenizer.EncodeIds(text, addSpecialTokens: true);
        if (ids.Length == 0)
            throw new UsageException("the prompt has no tokens; give at least one word.");
        int capacity = sampling.Capacity(run, loaded, (int)Math.Min((long)ids.Length + count, int.MaxValue));
        ContextRoom.Require("the prompt", ids.Length, capacity, loaded.MaximumLength, "Shorten the prompt");
        using ILanguageModelSession session = loaded.StartSession(capacity);
        double loadSeconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        WrittenText written = TextWriterLoop.Run(new Generator(session, sampler), tokenizer, ids, count, stops, Write, run.CancellationToken);
        if (!run.Json)
            run.Terminal.Output.Write("\n");
        double seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        if (run.Json)
        {
            JsonOutput.Write(run.Terminal.Output, new JsonObject
            {
                ["prompt"] = text,
                ["prompt_ids"] = Ids(ids),
                ["text"] = written.Text,
                ["ids"] = Ids(written.Ids),
                ["stop_reason"] = written.ReasonName,
                ["kernel"] = loaded.KernelName,
                ["load_seconds"] = loadSeconds,
                ["seconds"] = seconds,
                ["peak_memory_bytes"] = run.PeakMemoryByteCount,
            });
        }
        if (written.Reason == StopReason.ContextFull)
            run.Notice($"The context of {capacity} tokens is full.");
        return ExitCode.Done;

        void Write(string piece)
        {
            if (run.Json)
                return;
            run.Terminal.Output.Write(piece);
            run.Terminal.Output.Flush();
        }
    }

    // A collection expression for the array itself would call JsonArray.Add<T>, which needs code made at run time.
    private static JsonArray Ids(IEnumerable<int> ids) => new([.. ids.Select(id => JsonValue.Create(id))]);
}
