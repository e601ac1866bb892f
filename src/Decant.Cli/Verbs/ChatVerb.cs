using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Generation;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Templates;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;

namespace Decant.Cli.Verbs;

/// <summary><c>decant chat</c>: a conversation in the model's own format.</summary>
internal sealed class ChatVerb : Verb
{
    private const int defaultCount = 512;
    private const int defaultContext = 4096;
    private const float defaultTemperature = 0.7f;

    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<string> system = new("--system") { Description = "What the model is told before the conversation", HelpName = "TEXT" };
    private readonly SamplingOptions sampling = new(defaultCount, defaultTemperature);
    private readonly EngineOptions engine = new(DecoderArithmetic.Fast, WeightPlacement.Automatic);

    public override string Name => "chat";

    public override string Description => "Talk with a model, in the format of its own chat template";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant chat model.gguf", "A conversation; /clear forgets it, /exit or end of input ends it"),
        ("decant chat model.gguf --system \"Answer in one sentence.\" --temperature 0", "With instructions, and always the likeliest answer"),
        ("decant chat model.gguf --context 16384 --cache-type q8_0", "A long conversation with keys and values in 8 bits: a quarter of the memory"),
        ("decant chat model.gguf --json", "Reads questions from standard input, one a line, and writes one JSON document at the end"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        command.Add(system);
        sampling.Declare(command);
        engine.Declare(command);
    }

    public override ExitCode Run(VerbRun run)
    {
        run.WatchMemory();
        IReadOnlyList<string> stops = sampling.Stops(run);
        Sampler sampler = sampling.CreateSampler(run);
        using OpenModel opened = OpenModel.Open(run, run.Get(model));
        // A person's first question takes longer to write than code takes to compile; a program's is there already.
        Tokenizer tokenizer = opened.LoadWithTokenizer(engine.ToDecoderOptions(run) with { WarmsUp = run.Terminal.InputIsTerminal });
        ChatTemplate template = (ChatTemplateSource.Find(opened.Source) ?? throw new NotSupportedModelException(
            $"{opened.Location}: the model has no chat template, so it was not made for conversations. Continue a text with 'decant run' instead.")).Load();
        ILanguageModel loaded = opened.Loaded;
        using ILanguageModelSession session = loaded.StartSession(sampling.Capacity(run, loaded, defaultContext));
        var conversation = new Conversation(tokenizer, template, session, sampler, run.Get(system), loaded.MaximumLength);
        var turns = new JsonArray();
        if (run.Terminal.InputIsTerminal && !run.Json)
            run.Notice("/clear forgets the conversation, /exit ends it.");
        while (ReadLine(run) is { } line)
        {
            switch (line.Trim())
            {
                case "":
                    continue;
                case "/exit":
                    return End(run, turns, loaded);
                case "/clear":
                    conversation.Clear();
                    continue;
            }
            WrittenText answer = conversation.Answer(line, sampling.Count(run), stops, piece => Write(run, piece), run.CancellationToken);
            Write(run, "\n");
            if (answer.Reason == StopReason.ContextFull)
                run.Notice($"The context of {session.Capacity} tokens is full; /clear forgets the conversation.");
            turns.Add((JsonNode)new JsonObject
            {
                ["user"] = line,
                ["assistant"] = answer.Text,
                ["prompt_tokens"] = conversation.PromptTokenCount,
                ["reused_tokens"] = conversation.ReusedTokenCount,
                ["generated_tokens"] = answer.Ids.Count,
                ["stop_reason"] = answer.ReasonName,
            });
        }
        return End(run, turns, loaded);
    }

    private static ExitCode End(VerbRun run, JsonArray turns, ILanguageModel loaded)
    {
        if (run.Json)
        {
            JsonOutput.Write(run.Terminal.Output, new JsonObject
            {
                ["turns"] = turns,
                ["kernel"] = loaded.KernelName,
                ["peak_memory_bytes"] = run.PeakMemoryByteCount,
            });
        }
        return ExitCode.Done;
    }

    private static string? ReadLine(VerbRun run)
    {
        if (run.Terminal.InputIsTerminal)
        {
            // With --json even the prompt sign would spoil the document.
            (run.Json ? run.Terminal.Error : run.Terminal.Output).Write("> ");
            run.Terminal.Output.Flush();
        }
        // A blocked read cannot be cancelled; Ctrl+C must not wait for the next line.
        return Task.Run(run.Terminal.Input.ReadLine).WaitAsync(run.CancellationToken).GetAwaiter().GetResult();
    }

    private static void Write(VerbRun run, string text)
    {
        if (run.Json)
            return;
        run.Terminal.Output.Write(text);
        run.Terminal.Output.Flush();
    }
}
