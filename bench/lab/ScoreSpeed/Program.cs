// Laboratory: what scoring many texts together saves. Two shapes of multiple-choice tasks (four long answers to each context; four answers of one token
// after examples that all questions share) and perplexity over short windows, each against texts that are run one after another, taking turns.
// Ids are random: only the shapes matter for the time.
//   dotnet run -c Release --project bench/lab/ScoreSpeed -- MODEL [--threads N] [--rounds 3] [--questions 12] [--arithmetic fast|float] [--window 64]
using System.Diagnostics;
using System.Globalization;
using Decant.Core.Architectures;
using Decant.Core.Files;
using Decant.Engine.Inference;
using Decant.Evaluation.Perplexity;
using Decant.Evaluation.Scoring;
using Decant.Evaluation.Statistics;

CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
if (args.Length == 0 || args.Length % 2 == 0)
{
    Console.Error.WriteLine("usage: ScoreSpeed MODEL [--threads N] [--rounds 3] [--questions 12] [--arithmetic fast|float] [--window 64]");
    return 2;
}
string Option(string name, string fallback) => Array.IndexOf(args, name) is var i and > 0 ? args[i + 1] : fallback;
int Number(string name, int fallback) => int.Parse(Option(name, fallback.ToString()), NumberStyles.None);
int rounds = Number("--rounds", 3);
int questions = Number("--questions", 12);
int windowLength = Number("--window", 64);
var options = new DecoderOptions { ThreadCount = Number("--threads", 0), Arithmetic = Enum.Parse<DecoderArithmetic>(Option("--arithmetic", "fast"), true) };

using IModelSource source = ModelSources.Open(args[0]);
using Decoder decoder = Decoder.Load(ArchitectureRegistry.BindDecoder(source), options);
var random = new Random(1);
int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(decoder.Spec.VocabularySize))];
ContinuationSet Question(int[] before, int contextLength, int answerLength) => new(
    (int[])[.. before, .. Draw(contextLength)], [.. Enumerable.Range(0, 4).Select(_ => (ReadOnlyMemory<int>)Draw(answerLength))]);

Console.WriteLine($"{Path.GetFileName(args[0])}, {decoder.KernelName}, {options.Arithmetic}, {decoder.ThreadCount} threads, {questions} questions, best of {rounds}");
Console.WriteLine("                                          alone s   together s   ratio");
int[] examples = Draw(600);
Compare("4 answers of 20 tokens, context 80", [.. Enumerable.Range(0, questions).Select(_ => Question([], 80, 20))]);
Compare("4 answers of 1 token, 600 shared + 100", [.. Enumerable.Range(0, questions).Select(_ => Question(examples, 100, 1))]);

IReadOnlyList<TokenWindow> windows = new ChunksProtocol().Windows(Draw(2048), new WindowOptions { Context = windowLength });
using var logits = new DecoderLogitsSource(args[0], decoder, windowLength);
Print(
    $"perplexity, windows of {windowLength}",
    () =>
    {
        foreach (TokenWindow window in windows)
            WindowScorer.Measure(logits, [window]);
    },
    () => WindowScorer.Measure(logits, windows));
return 0;

void Compare(string name, ContinuationSet[] sets)
{
    Print(name, () => Array.ForEach(sets, ScoreAlone), () =>
    {
        // A scorer of its own each time, for it would keep what texts have in common.
        using var scorer = new ContinuationScorer(args[0], decoder);
        scorer.Score(sets);
    });
}

void ScoreAlone(ContinuationSet set)
{
    foreach (ReadOnlyMemory<int> continuation in set.Continuations)
    {
        int[] ids = [.. set.Context.Span, .. continuation.Span[..^1]];
        using DecoderSession session = decoder.StartSession(ids.Length);
        session.Score(ids, set.Context.Length - 1, static (_, row) => LogNormaliser.Of(row));
    }
}

void Print(string name, Action alone, Action together)
{
    double Time(Action action)
    {
        long begin = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(begin).TotalSeconds;
    }
    double bestAlone = double.PositiveInfinity, bestTogether = double.PositiveInfinity;
    for (int round = 0; round < rounds; round++)
    {
        bestAlone = Math.Min(bestAlone, Time(alone));
        bestTogether = Math.Min(bestTogether, Time(together));
    }
    Console.WriteLine($"{name,-40} {bestAlone,8:F3} {bestTogether,12:F3} {bestAlone / bestTogether,7:F2}");
}
