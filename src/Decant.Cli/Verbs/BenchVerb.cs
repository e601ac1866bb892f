using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Engine.Inference;
using Decant.Engine.Measurement;

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
    private readonly Option<int> depth = new Option<int>("-d", "--depth") { Description = "Tokens that are in the context before writing is measured (default 0)", HelpName = "N" }.AtLeast(0);
    private readonly EngineOptions engine = new(DecoderArithmetic.Fast, WeightPlacement.Automatic);

    public override string Name => "bench";

    public override string Description => "Measure how fast this machine reads and writes with a model";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant bench model.gguf", "Reading 512 tokens and writing 128: medians of 5 repetitions, beside what this machine's memory and arithmetic allow"),
        ("decant bench model.gguf -d 4096", "Writing behind a text of 4096 tokens"),
        ("decant bench model.gguf --threads 1 -p 128 -n 32 -r 3 --json", "One thread, smaller, as JSON"),
        ("decant bench model.gguf --kernel avx2", "With another kernel level than the best"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        foreach (Option option in (Option[])[prefill, decode, depth, repetitions])
            command.Add(option);
        engine.Declare(command);
    }

    public override ExitCode Run(VerbRun run)
    {
        run.WatchMemory();
        long start = TimeProvider.System.GetTimestamp();
        using OpenModel opened = OpenModel.Open(run, run.Get(model));
        ILanguageModel loaded = opened.Load(engine.ToDecoderOptions(run));
        int depthCount = run.Get(depth);
        int prefillCount = Count(run, prefill, DefaultPrefillCount, loaded.MaximumLength);
        int decodeCount = Count(run, decode, DefaultDecodeCount, loaded.MaximumLength - depthCount);
        long longest = Math.Max(prefillCount, (long)depthCount + decodeCount);
        if (longest > loaded.MaximumLength || decodeCount < 1)
        {
            throw new UsageException(string.Create(CultureInfo.InvariantCulture,
                $"the model takes {loaded.MaximumLength} tokens; neither -p nor -d and -n together may be more. Choose a smaller -p, -d or -n."));
        }
        using ILanguageModelSession session = loaded.StartSession((int)longest);
        double loadSeconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        var work = new Work(Ids(prefillCount, loaded.VocabularySize), Ids(decodeCount, loaded.VocabularySize), Ids(depthCount, loaded.VocabularySize));
        Timings timings = run.WithProgressLines(progress => Measure(run, session, work, progress));
        // Afterwards, so that its buffer does not count as the model's memory.
        long peak = run.PeakMemoryByteCount;
        MachineLimits limits = MachineLimits.Measure(loaded.ThreadCount, loaded.KernelName, run.CancellationToken);
        DecoderWork writing = DecoderWork.OfWriting(loaded, length => session.RememberedByteCount(length), depthCount, decodeCount);
        Roofline prefillRoofline = Roofline.Of(DecoderWork.OfPrompt(loaded, prefillCount), Median(timings.Prefill), limits);
        Roofline decodeRoofline = Roofline.Of(writing, Median(timings.Decode), limits);
        run.Emit(
            () => new JsonObject
            {
                ["model"] = run.Get(model),
                ["kernel"] = loaded.KernelName,
                ["forced_kernels"] = new JsonArray([.. loaded.ForcedKernels.Select(name => JsonValue.Create(name))]),
                ["arithmetic"] = EngineOptions.NameOf(engine.Arithmetic(run)),
                ["cache_type"] = loaded is Decoder ? engine.CacheType(run) : null,
                ["threads"] = loaded.ThreadCount,
                ["repetitions"] = timings.Prefill.Length,
                ["load_seconds"] = loadSeconds,
                ["first_prefill_seconds"] = timings.FirstPrefillSeconds,
                ["depth"] = depthCount,
                ["prefill"] = Rates(prefillCount, timings.Prefill, prefillRoofline, "operations_per_second", prefillRoofline.OperationsPerSecond, prefillRoofline.ArithmeticShare),
                ["decode"] = Rates(decodeCount, timings.Decode, decodeRoofline, "bytes_per_second", decodeRoofline.BytesPerSecond, decodeRoofline.MemoryShare),
                ["decode_bytes_per_token"] = writing.ByteCount / decodeCount,
                ["allocated_bytes_per_token"] = timings.AllocatedBytesPerToken,
                ["limits"] = new JsonObject
                {
                    ["memory_bytes_per_second"] = limits.MemoryBytesPerSecond,
                    ["single_operations_per_second"] = limits.SingleOperationsPerSecond,
                    ["byte_operations_per_second"] = limits.ByteOperationsPerSecond,
                },
                ["peak_memory_bytes"] = peak,
                ["copied_weight_bytes"] = loaded.CopiedWeightByteCount,
            },
            console => console.Write(TextOutput.CreateFacts(
            [
                ("prefill", FormattableString.Invariant($"{prefillCount / Median(timings.Prefill):F1} tokens/s  ({prefillCount} tokens, {Spread(prefillCount, timings.Prefill)})")),
                ("", FormattableString.Invariant($"{prefillRoofline.OperationsPerSecond / 1e9:F0} {(prefillRoofline.LimitIsOfBytes ? "GOP/s" : "GFLOP/s")}, {prefillRoofline.ArithmeticShare:P0} of what the processor multiplies in {(prefillRoofline.LimitIsOfBytes ? "whole numbers" : "single precision")}: bound by {Explained(prefillRoofline.Bound)}")),
                ("decode", FormattableString.Invariant($"{decodeCount / Median(timings.Decode):F1} tokens/s  ({decodeCount} tokens{(depthCount > 0 ? $" behind {depthCount}" : "")}, {Spread(decodeCount, timings.Decode)})")),
                ("", FormattableString.Invariant($"{decodeRoofline.BytesPerSecond / 1e9:F1} GB/s ({writing.ByteCount / decodeCount / 1e6:F0} MB a token), {decodeRoofline.MemoryShare:P0} of what memory gives: bound by {Explained(decodeRoofline.Bound)}")),
                ("load", FormattableString.Invariant($"{loadSeconds:F3} s, the first prompt of {prefillCount} tokens {timings.FirstPrefillSeconds:F3} s")),
                ("kernel", $"{string.Join(" with ", [loaded.KernelName, .. loaded.ForcedKernels])}, {EngineOptions.NameOf(engine.Arithmetic(run))} arithmetic, {loaded.ThreadCount} threads"),
                ("machine", FormattableString.Invariant($"memory {limits.MemoryBytesPerSecond / 1e9:F1} GB/s, single precision {limits.SingleOperationsPerSecond / 1e9:F0} GFLOP/s, bytes {limits.ByteOperationsPerSecond / 1e9:F0} GOP/s (measured, {loaded.ThreadCount} threads)")),
                ("memory", FormattableString.Invariant($"{Quantities.Bytes(peak)} private at most, {Quantities.Bytes(session.RememberedByteCount(session.Capacity))} of it {(loaded is Decoder ? "keys and values" : "what is remembered of the text")}, {Quantities.Bytes(loaded.CopiedWeightByteCount)} copied weights; {timings.AllocatedBytesPerToken:F0} bytes allocated per token at most")),
            ])));
        return ExitCode.Done;
    }

    private static int Count(VerbRun run, Option<int> option, int ordinary, int longest) => run.Has(option) ? run.Get(option) : Math.Min(ordinary, longest);

    private Timings Measure(VerbRun run, ILanguageModelSession session, Work work, IProgress<WorkProgress>? progress)
    {
        int count = run.Get(repetitions);
        double[] prefillSeconds = new double[count];
        double[] decodeSeconds = new double[count];
        double first = 0;
        double[] allocated = new double[count];
        // Repetition -1 warms up: code is compiled, pages are read, threads are awake.
        for (int repetition = -1; repetition < count; repetition++)
        {
            session.Reset();
            double prefillTime = Time(() => session.Append(work.Prompt, run.CancellationToken));
            session.Reset();
            if (work.Before.Length > 0)
                session.Append(work.Before, run.CancellationToken);
            // Of all threads: workers compute, and what the program does beside is its own too.
            long before = GC.GetTotalAllocatedBytes(precise: true);
            double decodeTime = Time(() =>
            {
                for (int i = 0; i < work.Written.Length; i++)
                    session.Append(work.Written.AsSpan(i, 1), run.CancellationToken);
            });
            long after = GC.GetTotalAllocatedBytes(precise: true);
            progress?.Report(new WorkProgress("bench", repetition + 2, count + 1, "repetitions"));
            if (repetition < 0)
            {
                first = prefillTime;
                continue;
            }
            prefillSeconds[repetition] = prefillTime;
            decodeSeconds[repetition] = decodeTime;
            allocated[repetition] = (double)(after - before) / work.Written.Length;
        }
        return new Timings(prefillSeconds, decodeSeconds, first, allocated.Max());
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

    private static JsonObject Rates(int count, double[] seconds, Roofline roofline, string rateName, double rate, double share) => new()
    {
        ["tokens"] = count,
        ["tokens_per_second"] = count / Median(seconds),
        ["lowest"] = count / seconds.Max(),
        ["highest"] = count / seconds.Min(),
        [rateName] = rate,
        ["share_of_limit"] = share,
        ["bound_by"] = NameOf(roofline.Bound),
    };

    private static string Explained(RooflineBound bound) =>
        bound == RooflineBound.Neither ? "neither memory nor arithmetic alone (work beside the products, waiting, other programs)" : NameOf(bound);

    private static string NameOf(RooflineBound bound) => bound switch
    {
        RooflineBound.Arithmetic => "arithmetic",
        RooflineBound.Memory => "memory",
        _ => "neither",
    };

    private static string Spread(int count, double[] seconds) =>
        FormattableString.Invariant($"median of {seconds.Length}, {count / seconds.Max():F1} to {count / seconds.Min():F1}");

    private static double Median(double[] values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        return sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
    }

    /// <summary>Tokens that are run.</summary>
    private sealed record Work(int[] Prompt, int[] Written, int[] Before);

    /// <summary>Seconds per repetition, what the first prompt took, code compilation included, and managed memory of all threads in the worst repetition.</summary>
    private sealed record Timings(double[] Prefill, double[] Decode, double FirstPrefillSeconds, double AllocatedBytesPerToken);
}
