using Decant.Core.Architectures;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Measurement;
using Decant.Core.Tensors;
using Decant.Engine.Inference;
using Decant.Evaluation.Scoring;
using Decant.Evaluation.Statistics;
using Decant.Testing;

namespace Decant.Evaluation.Tests.Scoring;

/// <summary>Continuations scored together against every text run alone.</summary>
public sealed class ContinuationScorerTests
{
    // Rounding of single precision in another order: logits of this model are of size 10, a score sums a few of them.
    private const double ScoreTolerance = 1e-4;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static TheoryData<long> Budgets() => [1, 20_000, 200_000, ContinuationScorer.DefaultCacheByteBudget];

    /// <summary>Questions after common examples, with answers of one and of several tokens, some beginning alike, one the beginning of another, one twice.</summary>
    private static List<ContinuationSet> Questions()
    {
        var random = new Random(7);
        int[] Draw(int count) => [.. Enumerable.Range(0, count).Select(_ => random.Next(3, 512))];
        int[] examples = Draw(40);
        List<ContinuationSet> sets = [];
        for (int i = 0; i < 9; i++)
        {
            int[] context = [1, .. examples, .. Draw(5 + i)];
            int[] answer = Draw(4);
            sets.Add(new ContinuationSet(context, [Draw(1), answer, (int[])[.. answer, .. Draw(3)], (int[])[.. answer[..2], .. Draw(2)], Draw(1), answer]));
        }
        // What is a context here is a continuation there; and texts with nothing in common.
        sets.Add(new ContinuationSet(examples.AsMemory(0, 1), [examples.AsMemory(1, 20), Draw(12)]));
        sets.Add(new ContinuationSet(Draw(1), [Draw(1)]));
        sets.Add(new ContinuationSet(Draw(30), []));
        return sets;
    }

    private static Decoder Load(IModelSource source, IDecoderObserver? observer = null) =>
        Decoder.Load(ArchitectureRegistry.BindDecoder(source), new DecoderOptions { ThreadCount = 2, Observer = observer }, Cancellation);

    private static IModelSource Open() => ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));

    private static ContinuationScore Alone(Decoder decoder, ReadOnlyMemory<int> context, ReadOnlyMemory<int> continuation)
    {
        int[] ids = [.. context.Span, .. continuation.Span];
        using DecoderSession session = decoder.StartSession(ids.Length);
        double sum = 0;
        bool greedy = true;
        session.Score(ids.AsSpan(0, ids.Length - 1), context.Length - 1, (position, logits) =>
        {
            LogNormaliser normaliser = LogNormaliser.Of(logits);
            sum += normaliser.LogProbability(logits[ids[position + 1]]);
            greedy &= normaliser.Top == ids[position + 1];
        }, Cancellation);
        return new ContinuationScore(sum, continuation.Length, greedy);
    }

    [Theory]
    [MemberData(nameof(Budgets))]
    public void Scores_are_those_of_texts_run_alone(long budget)
    {
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        List<ContinuationSet> sets = Questions();
        using var scorer = new ContinuationScorer("stories", decoder, budget);
        var reports = new List<WorkProgress>();
        IReadOnlyList<IReadOnlyList<ContinuationScore>> scores = scorer.Score(sets, new Recorder(reports), Cancellation);
        Assert.Equal(sets.Count, scores.Count);
        for (int set = 0; set < sets.Count; set++)
        {
            Assert.Equal(sets[set].Continuations.Count, scores[set].Count);
            for (int choice = 0; choice < scores[set].Count; choice++)
            {
                ContinuationScore expected = Alone(decoder, sets[set].Context, sets[set].Continuations[choice]);
                Assert.Equal(expected.LogProbability, scores[set][choice].LogProbability, ScoreTolerance);
                Assert.Equal((expected.TokenCount, expected.IsGreedy), (scores[set][choice].TokenCount, scores[set][choice].IsGreedy));
            }
        }
        int total = sets.Sum(set => set.Continuations.Count);
        Assert.Equal((total, total), (reports[^1].Done, reports[^1].Total));
        Assert.Equal(budget == ContinuationScorer.DefaultCacheByteBudget, reports.Count == 1);

        // What was carried over from the first call must not matter but for rounding; equal calls on fresh scorers give equal bytes.
        ContinuationScore[] second = [.. scorer.Score(sets, null, Cancellation).SelectMany(s => s)];
        Assert.Equal(total, second.Length);
        foreach ((ContinuationScore again, ContinuationScore before) in second.Zip(scores.SelectMany(s => s)))
            Assert.Equal(before.LogProbability, again.LogProbability, ScoreTolerance);
        using var fresh = new ContinuationScorer("stories", decoder, budget);
        Assert.Equal(scores.SelectMany(s => s), fresh.Score(sets, null, Cancellation).SelectMany(s => s));
    }

    [Fact]
    public void Greedy_texts_are_recognised()
    {
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        using DecoderSession session = decoder.StartSession(64);
        int[] prompt = [1, 403, 407, 261, 378];
        int[] greedy = [.. new Generator(session, new Sampler(SamplerOptions.Greedy)).Generate(prompt, 12, [], Cancellation)];
        int[] changed = [.. greedy[..11], greedy[11] == 5 ? 6 : 5];
        using var scorer = new ContinuationScorer("stories", decoder);
        IReadOnlyList<ContinuationScore> scores = scorer.Score([new ContinuationSet(prompt, [greedy, changed, greedy.AsMemory(0, 1)])], null, Cancellation)[0];
        Assert.Equal([true, false, true], scores.Select(score => score.IsGreedy));
        Assert.True(scores[2].LogProbability > scores[0].LogProbability && scores[0].LogProbability > scores[1].LogProbability);
    }

    [Fact]
    public void Every_common_beginning_is_computed_once()
    {
        using IModelSource source = Open();
        var counter = new RowCounter();
        using Decoder decoder = Load(source, counter);
        List<ContinuationSet> sets = Questions();
        using var scorer = new ContinuationScorer("stories", decoder);
        scorer.Score(sets, null, Cancellation);
        var beginnings = new HashSet<string>();
        foreach (ContinuationSet set in sets)
        {
            foreach (ReadOnlyMemory<int> continuation in set.Continuations)
            {
                int[] input = [.. set.Context.Span, .. continuation.Span[..^1]];
                for (int length = 1; length <= input.Length; length++)
                    beginnings.Add(string.Join(' ', input[..length]));
            }
        }
        Assert.Equal(beginnings.Count, counter.Rows);

        // A memory too small for two texts makes groups of one, and each of them keeps what it has in common with the one before.
        counter.Rows = 0;
        using var frugal = new ContinuationScorer("stories", decoder, 1);
        frugal.Score(sets, null, Cancellation);
        int texts = sets.Sum(set => set.Continuations.Count);
        // The last position of a context, whose logits the first answer token wants, is computed for each answer again.
        Assert.InRange(counter.Rows, beginnings.Count, beginnings.Count + 4 * texts);
    }

    [Fact]
    public void What_cannot_be_scored_is_named()
    {
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        using var scorer = new ContinuationScorer("stories", decoder);
        string Message(int[] context, int[] continuation) => Assert.Throws<UsageException>(() =>
            scorer.Score([new ContinuationSet(new[] { 1 }, [new[] { 2 }]), new ContinuationSet(context, [new[] { 3 }, continuation])], null, Cancellation)).Message;
        Assert.Contains("set 1, continuation 1", Message([1], []), StringComparison.Ordinal);
        Assert.Contains("set 1, continuation 0", Message([], [1]), StringComparison.Ordinal);
        Assert.Contains("512", Message([1], [512]), StringComparison.Ordinal);
        Assert.Contains("-1", Message([1], [-1]), StringComparison.Ordinal);
        Assert.Contains($"at most {decoder.MaximumLength}", Message([1], new int[decoder.MaximumLength + 1]), StringComparison.Ordinal);
        Assert.Single(scorer.Score([new ContinuationSet(new[] { 1 }, [new int[decoder.MaximumLength]])], null, Cancellation));
        Assert.Empty(scorer.Score([], null, Cancellation));
    }

    [Fact]
    public void A_text_whose_numbers_fail_is_named()
    {
        const int Damaged = 77;
        using IModelSource source = ModelSources.Open(SharedFiles.Require("fixtures", "architectures", "llama"));
        DecoderModel model = DamagedTensor.WithEmbedding(ArchitectureRegistry.BindDecoder(source), Damaged);
        using Decoder decoder = Decoder.Load(model, new DecoderOptions { ThreadCount = 2, KeyValueFormat = "F16" }, Cancellation);
        using var scorer = new ContinuationScorer("llama", decoder);
        string Message(params ContinuationSet[] sets) => Assert.Throws<NumericalException>(() => scorer.Score(sets, null, Cancellation)).Message;
        var sound = new ContinuationSet(new[] { 1, 4 }, [new[] { 5 }, new[] { 6, 7 }]);
        Assert.StartsWith(
            "Position 3 of set 1, continuation 1 of llama: ", Message(sound, new ContinuationSet(new[] { 1, 9 }, [new[] { 5, 6 }, new[] { 7, Damaged, 8 }])), StringComparison.Ordinal);
        Assert.StartsWith(
            "Position 1 of set 1, continuation 0 (and 1 more that begin alike) of llama: ",
            Message(sound, new ContinuationSet(new[] { 1, Damaged }, [new[] { 5, 6 }, new[] { 7, 8 }])), StringComparison.Ordinal);
    }

    [Fact]
    public void A_cancelled_call_leaves_a_scorer_that_works()
    {
        using IModelSource source = Open();
        using Decoder decoder = Load(source);
        using var scorer = new ContinuationScorer("stories", decoder, 200_000);
        List<ContinuationSet> sets = Questions();
        using var cancellation = new CancellationTokenSource();
        var reports = new List<WorkProgress>();
        Assert.Throws<OperationCanceledException>(() => scorer.Score(sets, new Recorder(reports, cancellation.Cancel), cancellation.Token));
        Assert.Single(reports);
        using var fresh = new ContinuationScorer("stories", decoder, 200_000);
        Assert.Equal(fresh.Score(sets, null, Cancellation).SelectMany(s => s), scorer.Score(sets, null, Cancellation).SelectMany(s => s));
    }

    private sealed class Recorder(List<WorkProgress> reports, Action? then = null) : IProgress<WorkProgress>
    {
        public void Report(WorkProgress value)
        {
            reports.Add(value);
            then?.Invoke();
        }
    }

    private sealed class RowCounter : IDecoderObserver
    {
        public int Rows { get; set; }

        public void HiddenState(int index, ReadOnlySpan<float> rows, int tokenCount) => Rows += index == 0 ? tokenCount : 0;

        public void LinearInput(TensorId weight, ReadOnlySpan<float> rows, int tokenCount)
        {
        }
    }
}
