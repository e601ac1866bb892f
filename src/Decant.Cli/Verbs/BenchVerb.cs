using System.CommandLine;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Engine.Inference;

namespace Decant.Cli.Verbs;

/// <summary><c>decant bench</c>: how fast this machine runs a model.</summary>
internal sealed class BenchVerb : Verb
{
    private const int DefaultPrefillCount = 512;
    private const int DefaultDecodeCount = 128;

    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<int> prefill = new Option<int>("-p", "--prefill") { Description = "Tokens of the prompt that is read (default 512, or what the model takes)", HelpName = "N" }.AtLeast(1);
    private readonly Option<int> decode = new Option<int>("-n", "--decode") { Description = "Tokens that are written one by one (default 128, or what the model takes)", HelpName = "N" }.AtLeast(1);
    private readonly Option<int> repetitions = new Option<int>("-r", "--repetitions") { Description = "Measured repetitions, after one to warm up", HelpName = "N", DefaultValueFactory = _ => 5 }.AtLeast(1);
    private readonly EngineOptions engine = new(DecoderArithmetic.Fast);

    public override string Name => "bench";

    public override string Description => "Measure how fast this machine reads and writes with a model";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant bench model.gguf", "Reading 512 tokens and writing 128: medians of 5 repetitions"),
        ("decant bench model.gguf --threads 1 -p 128 -n 32 -r 3 --json", "One thread, smaller, as JSON"),
        ("decant bench model.gguf --kernel avx2", "With another kernel level than the best"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        foreach (Option option in (Option[])[prefill, decode, repetitions])
            command.Add(option);
        engine.Declare(command);
    }

    public override ExitCode Run(VerbRun run)
    {
        run.WatchMemory();
        long start = TimeProvider.System.GetTimestamp();
        using OpenModel opened = OpenModel.Open(run, run.Get(model));
        Decoder decoder = opened.Load(engine.ToDecoderOptions(run));
        int prefillCount = Count(run, prefill, DefaultPrefillCount, decoder.MaximumLength);
        int decodeCount = Count(run, decode, DefaultDecodeCount, decoder.MaximumLength);
        using DecoderSession session = decoder.StartSession(Math.Max(prefillCount, decodeCount));
        double loadSeconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        int[] prompt = Ids(prefillCount, decoder.Spec.VocabularySize);
        int[] written = Ids(decodeCount, decoder.Spec.VocabularySize);
        (double[] prefillSeconds, double[] decodeSeconds) = run.WithProgress(progress => Measure(run, session, prompt, written, progress));
        double prefillRate = prefillCount / Median(prefillSeconds);
        double decodeRate = decodeCount / Median(decodeSeconds);
        run.Emit(
            () => new JsonObject
            {
                ["model"] = run.Get(model),
                ["kernel"] = decoder.KernelName,
                ["arithmetic"] = EngineOptions.NameOf(engine.Arithmetic(run)),
                ["cache_type"] = engine.CacheType(run),
                ["threads"] = decoder.ThreadCount,
                ["repetitions"] = prefillSeconds.Length,
                ["load_seconds"] = loadSeconds,
                ["prefill"] = Rates(prefillCount, prefillSeconds),
                ["decode"] = Rates(decodeCount, decodeSeconds),
                ["peak_memory_bytes"] = run.PeakMemoryByteCount,
            },
            console => console.Write(TextOutput.CreateFacts(
            [
                ("prefill", FormattableString.Invariant($"{prefillRate:F1} tokens/s  ({prefillCount} tokens, {Spread(prefillCount, prefillSeconds)})")),
                ("decode", FormattableString.Invariant($"{decodeRate:F1} tokens/s  ({decodeCount} tokens, {Spread(decodeCount, decodeSeconds)})")),
                ("load", FormattableString.Invariant($"{loadSeconds:F3} s")),
                ("kernel", $"{decoder.KernelName}, {EngineOptions.NameOf(engine.Arithmetic(run))} arithmetic, {engine.CacheType(run)} keys and values, {decoder.ThreadCount} threads"),
                ("memory", $"{Quantities.Bytes(run.PeakMemoryByteCount)} private at most"),
            ])));
        return ExitCode.Done;
    }

    private static int Count(VerbRun run, Option<int> option, int ordinary, int longest) => run.Has(option) ? run.Get(option) : Math.Min(ordinary, longest);

    private (double[] Prefill, double[] Decode) Measure(VerbRun run, DecoderSession session, int[] prompt, int[] written, IProgress<WorkProgress>? progress)
    {
        int count = run.Get(repetitions);
        double[] prefillSeconds = new double[count];
        double[] decodeSeconds = new double[count];
        // Repetition -1 warms up: code is compiled, pages are read, threads are awake.
        for (int repetition = -1; repetition < count; repetition++)
        {
            session.Reset();
            double prefillTime = Time(() => session.Append(prompt, run.CancellationToken));
            session.Reset();
            double decodeTime = Time(() =>
            {
                for (int i = 0; i < written.Length; i++)
                    session.Append(written.AsSpan(i, 1), run.CancellationToken);
            });
            progress?.Report(new WorkProgress("bench", repetition + 2, count + 1, "repetitions"));
            if (repetition < 0)
                continue;
            prefillSeconds[repetition] = prefillTime;
            decodeSeconds[repetition] = decodeTime;
        }
        return (prefillSeconds, decodeSeconds);
    }

    private static double Time(Action work)
    {
        long start = TimeProvider.System.GetTimestamp();
        work();
        return TimeProvider.System.GetElapsedTime(start).TotalSeconds;
    }

    // The same ids every time, spread over the vocabulary, as no model treats some ids faster than others but embeddings are read from memory.
    private static int[] Ids(int count, int vocabulary)
    {
        var random = new Random(1);
        int[] ids = new int[count];
        for (int i = 0; i < count; i++)
            ids[i] = random.Next(vocabulary);
        return ids;
    }

    private static JsonObject Rates(int count, double[] seconds) => new()
    {
        ["tokens"] = count,
        ["tokens_per_second"] = count / Median(seconds),
        ["lowest"] = count / seconds.Max(),
        ["highest"] = count / seconds.Min(),
    };

    private static string Spread(int count, double[] seconds) =>
        FormattableString.Invariant($"median of {seconds.Length}, {count / seconds.Max():F1} to {count / seconds.Min():F1}");

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }
}
