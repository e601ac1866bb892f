using System.CommandLine;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Decant.Cli.Models;
using Decant.Cli.Output;
using Decant.Cli.Running;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Core.Tokenizers;
using Decant.Engine.Inference;
using Decant.Evaluation.Divergence;
using Decant.Evaluation.Perplexity;
using Decant.Evaluation.Scoring;
using Spectre.Console;

namespace Decant.Cli.Verbs;

/// <summary><c>decant eval</c>: perplexity, and divergence from another model.</summary>
internal sealed class EvalVerb : Verb
{
    private readonly Argument<string> model = ModelArgument.Create();
    private readonly Option<string> against = new("--against") { Description = "The model to compare with: KL divergence from it, and how often both rank the same token first", HelpName = "REF" };
    private readonly Option<string> text = new("--text") { Description = "The text to score ('-' reads standard input)", HelpName = "FILE", Required = true };
    private readonly Option<string> protocol = new("--protocol")
    {
        Description = "How windows are laid and scored: " + string.Join("; ", PerplexityProtocols.All.Select(p => $"{p.Name} = {p.Description}")),
        HelpName = "NAME",
        DefaultValueFactory = _ => PerplexityProtocols.All[0].Name,
    };
    private readonly Option<int> context = new Option<int>("--context") { Description = "Tokens in a window (default 512, or the model's context if that is shorter)", HelpName = "N" }.AtLeast(2);
    private readonly Option<int> stride = new Option<int>("--stride") { Description = "Tokens from window to window, for sliding (default: half the context)", HelpName = "N" }.AtLeast(1);
    private readonly Option<int> chunks = new Option<int>("--chunks") { Description = "Score only the first N windows", HelpName = "N" }.AtLeast(1);
    private readonly Option<int> tokens = new Option<int>("--tokens") { Description = "Keep only the first N tokens of the text", HelpName = "N" }.AtLeast(1);
    private readonly EngineOptions engine = new(DecoderArithmetic.Float, WeightPlacement.Mapped);
    private readonly Option<double?> maximumDivergence = new Option<double?>("--max-kld") { Description = "With --against: end with exit code 6 if the mean KL divergence is above this", HelpName = "X" }.AtLeast(0);

    public override string Name => "eval";

    public override string Description => "Measure perplexity, and KL divergence and top-1 agreement against another model";

    public override IReadOnlyList<(string Command, string Meaning)> Examples =>
    [
        ("decant eval small.gguf --text test.txt", "Perplexity over windows of 512 tokens"),
        ("decant eval small.gguf --against model.gguf --text test.txt --tokens 20000", "Also what the compression changed: KL divergence and top-1 agreement"),
        ("decant eval model.gguf --text test.txt --protocol llama.cpp --chunks 40", "The figure that llama.cpp's perplexity tool gives"),
        ("decant eval model.gguf --text test.txt --protocol sliding --context 1024 --stride 256", "Hugging Face's stride method"),
    ];

    public override void Declare(Command command)
    {
        command.Add(model);
        foreach (Option option in (Option[])[against, text, protocol, context, stride, chunks, tokens, maximumDivergence])
            command.Add(option);
        engine.Declare(command);
    }

    public override ExitCode Run(VerbRun run)
    {
        long start = TimeProvider.System.GetTimestamp();
        run.WatchMemory();
        CheckOptions(run);
        PerplexityProtocol chosen = FindProtocol(run.Get(protocol)!);
        string content = TextFile.Read(run.Get(text)!, run.Terminal);
        using OpenModel candidate = OpenModel.Open(run, run.Get(model));
        using OpenModel? reference = run.Get(against) is { } path ? OpenModel.Open(run, path) : null;
        DecoderOptions own = engine.ToDecoderOptions(run);
        Tokenizer tokenizer = candidate.LoadWithTokenizer(own);
        // What a model is compared with is computed as exactly as it can be: kernels forced for the model's formats, which may round, are not for it.
        DecoderOptions exact = own with { Arithmetic = DecoderArithmetic.Float, KeyValueFormat = new DecoderOptions().KeyValueFormat, Kernel = candidate.Loaded.KernelName };
        if (reference is not null && reference.LoadWithTokenizer(exact).Fingerprint != tokenizer.Fingerprint)
            throw DifferentVocabularies(candidate, reference);
        int longest = Math.Min(candidate.Loaded.MaximumLength, reference?.Loaded.MaximumLength ?? int.MaxValue);
        int[] ids = tokenizer.EncodeIds(content, chosen.AddsSpecialTokens, chosen.RecognisesSpecialTokens);
        if (run.Has(tokens))
            ids = [.. ids.Take(run.Get(tokens))];
        WindowOptions options = Windows(run, tokenizer, longest);
        IReadOnlyList<TokenWindow> windows = chosen.Windows(ids, options);
        var outcome = new Outcome(chosen, options, windows, content, ids.Length, run);
        Score(run, candidate, reference, windows, outcome);
        outcome.Seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds;
        outcome.Kernel = candidate.Loaded.KernelName;
        outcome.HasCache = candidate.Loaded is Engine.Inference.Decoder;
        outcome.PeakMemoryByteCount = run.PeakMemoryByteCount;
        run.Emit(() => ToJson(run, outcome), console => Print(run, console, outcome));
        if (run.Get(maximumDivergence) is { } limit && outcome.Comparison!.Divergence.Mean > limit)
            return run.Fail(ExitCode.LimitNotMet, FormattableString.Invariant($"the mean KL divergence {outcome.Comparison.Divergence.Mean:G4} is above --max-kld {limit}."));
        return ExitCode.Done;
    }

    private void CheckOptions(VerbRun run)
    {
        engine.ToDecoderOptions(run);
        if (run.Has(maximumDivergence) && !run.Has(against))
            throw new UsageException("--max-kld needs --against REF: a divergence is from something.");
    }

    private static PerplexityProtocol FindProtocol(string name) => PerplexityProtocols.Find(name) ?? throw new UsageException(
        $"there is no protocol '{name}'.{NearestName.Hint(name, PerplexityProtocols.All.Select(p => p.Name))} Known: {string.Join(", ", PerplexityProtocols.All.Select(p => p.Name))}.");

    private static UsageException DifferentVocabularies(OpenModel candidate, OpenModel reference) => new(
        $"{candidate.Location} and {reference.Location} have different vocabularies: their probabilities cannot be compared token by token. Evaluate each by itself, and compare bits per byte.");

    private WindowOptions Windows(VerbRun run, Tokenizer tokenizer, int longest)
    {
        if (run.Has(context) && run.Get(context) > longest)
            throw new UsageException($"--context {run.Get(context)} is longer than the {longest} tokens the model takes.");
        return new WindowOptions
        {
            Context = run.Has(context) ? run.Get(context) : Math.Min(WindowOptions.DefaultContext, longest),
            Stride = run.Has(stride) ? run.Get(stride) : null,
            WindowLimit = run.Has(chunks) ? run.Get(chunks) : null,
            BeginToken = tokenizer.AddsBos ? tokenizer.Special.Bos : null,
        };
    }

    private static void Score(VerbRun run, OpenModel candidate, OpenModel? reference, IReadOnlyList<TokenWindow> windows, Outcome outcome)
    {
        int capacity = windows.Max(window => window.Ids.Length);
        using ILogitsSource candidateLogits = SessionLogitsSource.Of(candidate.Location, candidate.Loaded, capacity);
        if (reference is null)
        {
            outcome.Perplexity = run.WithProgress(progress => WindowScorer.Measure(candidateLogits, windows, progress, run.CancellationToken));
            return;
        }
        using ILogitsSource referenceLogits = SessionLogitsSource.Of(reference.Location, reference.Loaded, capacity);
        outcome.Comparison = run.WithProgress(progress => ModelComparer.Compare(referenceLogits, candidateLogits, windows, progress, run.CancellationToken));
        outcome.Perplexity = outcome.Comparison.Candidate;
    }

    private JsonObject ToJson(VerbRun run, Outcome outcome)
    {
        var document = new JsonObject
        {
            ["model"] = run.Get(model),
            ["text"] = new JsonObject { ["path"] = run.Get(text), ["sha256"] = outcome.TextHash, ["tokens"] = outcome.TextTokenCount },
            ["protocol"] = outcome.Protocol.Name,
            ["context"] = outcome.Options.Context,
            ["windows"] = outcome.Windows.Count,
            ["arithmetic"] = EngineOptions.NameOf(engine.Arithmetic(run)),
            ["cache_type"] = outcome.HasCache ? engine.CacheType(run) : null,
            ["kernel"] = outcome.Kernel,
            ["perplexity"] = EvaluationJson.Perplexity(outcome.Perplexity),
        };
        if (outcome.Protocol.UsesStride)
            document["stride"] = outcome.Options.Stride ?? outcome.Options.Context / 2;
        if (outcome.Comparison is { } comparison)
        {
            document["against"] = run.Get(against);
            document["reference_perplexity"] = EvaluationJson.Perplexity(comparison.Reference);
            document["kl_divergence"] = EvaluationJson.Divergence(comparison.Divergence, comparison.DivergenceStandardError);
            document["top1_agreement"] = comparison.TopOneAgreement;
            document["top1_agreement_stderr"] = comparison.TopOneStandardError;
        }
        document["seconds"] = outcome.Seconds;
        document["peak_memory_bytes"] = outcome.PeakMemoryByteCount;
        return document;
    }

    private void Print(VerbRun run, IAnsiConsole console, Outcome outcome)
    {
        string windows = $"{outcome.Protocol.Name}, {outcome.Windows.Count} windows of {outcome.Options.Context}";
        var facts = new List<(string, string)>
        {
            ("perplexity", $"{Figure(outcome.Perplexity)}  ({windows}, {Quantities.Count(outcome.Perplexity.TokenCount)} tokens scored)"),
        };
        if (outcome.Comparison is { } comparison)
        {
            facts.Add(("of reference", $"{Figure(comparison.Reference)}  ({run.Get(against)})"));
            facts.Add(("KL divergence", FormattableString.Invariant(
                $"mean {comparison.Divergence.Mean:G4} ± {comparison.DivergenceStandardError:G2}, median {comparison.Divergence.Median:G4}, 99 % {comparison.Divergence.Percentile99:G4}, largest {comparison.Divergence.Maximum:G4} nats")));
            facts.Add(("same top token", FormattableString.Invariant($"{100 * comparison.TopOneAgreement:F2} ± {100 * comparison.TopOneStandardError:F2} %")));
        }
        facts.Add(("text", $"{run.Get(text)}, {Quantities.Count(outcome.TextTokenCount)} tokens, sha256 {outcome.TextHash[..16]}…"));
        facts.Add(("time", $"{Quantities.Duration(TimeSpan.FromSeconds(outcome.Seconds))}, {Quantities.Bytes(outcome.PeakMemoryByteCount)} private memory at most, kernel {outcome.Kernel}"));
        console.Write(TextOutput.CreateFacts(facts));
    }

    private static string Figure(PerplexityFigures figures) => FormattableString.Invariant($"{figures.Value:F4} ± {figures.StandardError:F4}");

    private sealed class Outcome(PerplexityProtocol protocol, WindowOptions options, IReadOnlyList<TokenWindow> windows, string content, int tokenCount, VerbRun run)
    {
        public PerplexityProtocol Protocol { get; } = protocol;

        public WindowOptions Options { get; } = options;

        public IReadOnlyList<TokenWindow> Windows { get; } = windows;

        public string TextHash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content)));

        public int TextTokenCount { get; } = tokenCount;

        public PerplexityFigures Perplexity { get; set; } = new(double.NaN, double.NaN, double.NaN, 0);

        public ComparisonFigures? Comparison { get; set; }

        public double Seconds { get; set; }

        public string Kernel { get; set; } = "";

        /// <summary>Whether keys and values are kept, whose type can be chosen.</summary>
        public bool HasCache { get; set; }

        public long PeakMemoryByteCount { get; set; } = run.PeakMemoryByteCount;
    }
}
