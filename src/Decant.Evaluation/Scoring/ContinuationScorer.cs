using System.Globalization;
using Decant.Core.Errors;
using Decant.Core.Measurement;
using Decant.Engine.Inference;
using Decant.Evaluation.Statistics;

namespace Decant.Evaluation.Scoring;

/// <summary>
/// Log-probabilities of continuations, for multiple-choice and cloze tasks. Whatever two texts begin with in common is computed once, be it examples before
/// every question, the context of a question, or the first tokens of two answers; the parts that differ run many at a time. A continuation
/// of one token costs no computation of its own.
/// <para>
/// Texts are sorted by their ids and taken in groups whose keys and values fit the memory given. Within a group, the texts form a tree of common beginnings, which is
/// computed level by level: a level is one batch. The beginning that a whole group has in common stays for the next group.
/// </para>
/// <para>
/// A score agrees with that of the text run alone to the rounding of single precision (see <see cref="DecoderBatch"/>); the same call gives the same bytes.
/// </para>
/// </summary>
public sealed class ContinuationScorer : IDisposable
{
    /// <summary>Memory for keys and values if none is stated: 512 MiB.</summary>
    public const long DefaultCacheByteBudget = 512L << 20;

    private readonly string name;
    private readonly Decoder decoder;
    private readonly DecoderBatch batch;
    private readonly long tokenBudget;
    private DecoderSession? carried;
    private ReadOnlyMemory<int> carriedIds;

    /// <summary>Prepares to score with a decoder, which must outlive the scorer.</summary>
    /// <param name="name">The model's location, for messages.</param>
    /// <param name="decoder">The decoder.</param>
    /// <param name="cacheByteBudget">Memory for keys and values; a text that needs more by itself gets what it needs.</param>
    public ContinuationScorer(string name, Decoder decoder, long cacheByteBudget = DefaultCacheByteBudget)
    {
        ArgumentNullException.ThrowIfNull(decoder);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(cacheByteBudget);
        this.name = name;
        this.decoder = decoder;
        batch = new DecoderBatch(decoder);
        using DecoderSession smallest = decoder.StartSession(1);
        tokenBudget = cacheByteBudget / smallest.CacheByteCount;
    }

    /// <summary>Scores all continuations of all sets.</summary>
    /// <param name="sets">Contexts with their continuations, ids inside the vocabulary.</param>
    /// <param name="progress">Told about scored continuations, or null.</param>
    /// <param name="cancellationToken">Stops the computation.</param>
    /// <returns>For each set, a score for each continuation, in their order.</returns>
    /// <exception cref="UsageException">A context or continuation is empty, an id is outside the vocabulary, or a text is longer than the model takes.</exception>
    /// <exception cref="NumericalException">A logit, key or value is NaN or infinite; names the set, the continuation and the position.</exception>
    /// <exception cref="LimitNotMetException">There is not enough memory for keys and values.</exception>
    public IReadOnlyList<IReadOnlyList<ContinuationScore>> Score(
        IReadOnlyList<ContinuationSet> sets, IProgress<WorkProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sets);
        List<ContinuationText> texts = [];
        var scores = new ContinuationScore[sets.Count][];
        for (int set = 0; set < sets.Count; set++)
        {
            scores[set] = new ContinuationScore[sets[set].Continuations.Count];
            for (int choice = 0; choice < scores[set].Length; choice++)
            {
                texts.Add(Join(sets[set], set, choice));
                scores[set][choice] = new ContinuationScore(0, sets[set].Continuations[choice].Length, true);
            }
        }
        texts.Sort();
        for (int first = 0, end; first < texts.Count; first = end)
        {
            end = EndOfGroup(texts, first);
            ScoreGroup(texts, first, end, scores, cancellationToken);
            progress?.Report(new WorkProgress("score", end, texts.Count, "continuations"));
        }
        return scores;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        batch.Dispose();
        carried?.Dispose();
    }

    private ContinuationText Join(ContinuationSet set, int index, int choice)
    {
        ReadOnlyMemory<int> continuation = set.Continuations[choice];
        string where = string.Create(CultureInfo.InvariantCulture, $"{name}: set {index}, continuation {choice}");
        if (set.Context.IsEmpty || continuation.IsEmpty)
            throw new UsageException($"{where}: context and continuation need at least one token each. Where a task has no context, give the token that begins texts.");
        int[] ids = [.. set.Context.Span, .. continuation.Span];
        if (ids.Length - 1 > decoder.MaximumLength)
            throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{where} has {ids.Length} tokens with its context; the model reads at most {decoder.MaximumLength}. Shorten the context."));
        foreach (int id in ids)
        {
            if ((uint)id >= (uint)decoder.Spec.VocabularySize)
                throw new UsageException(string.Create(CultureInfo.InvariantCulture, $"{where}: token id {id} is outside the vocabulary of {decoder.Spec.VocabularySize}."));
        }
        return new ContinuationText(index, choice, ids, set.Context.Length);
    }

    /// <summary>The end of the group that begins with a text: as many as the memory holds, each with a session of its own.</summary>
    private int EndOfGroup(List<ContinuationText> texts, int first)
    {
        long tokens = 0;
        int end = first;
        for (; end < texts.Count; end++)
        {
            // Texts that differ in their last token only share a session.
            if (end > first && texts[end].Input.SequenceEqual(texts[end - 1].Input))
                continue;
            tokens += texts[end].Input.Length;
            if (end > first && tokens > tokenBudget)
                break;
        }
        return end;
    }

    private void ScoreGroup(List<ContinuationText> texts, int first, int end, ContinuationScore[][] scores, CancellationToken cancellationToken)
    {
        List<Branch> level = [];
        List<Branch> next = [];
        bool done = false;
        try
        {
            var root = new Branch(texts, first, end, 0);
            CarryTo(root);
            level.Add(root);
            while (level.Count > 0)
            {
                RunLevel(texts, level, scores, cancellationToken);
                foreach (Branch branch in level)
                    Split(texts, branch, next);
                (level, next) = (next, level);
                next.Clear();
            }
            done = true;
        }
        finally
        {
            batch.Clear();
            foreach (Branch branch in level.Concat(next))
            {
                if (branch.Session != carried)
                    branch.Session?.Dispose();
            }
            if (!done)
            {
                carried?.Dispose();
                carried = null;
            }
        }
    }

    /// <summary>Gives the root a session that holds what the last group has in common with it, short of the first position whose logits are wanted.</summary>
    private void CarryTo(Branch root)
    {
        ReadOnlyMemory<int> ids = root.Ids;
        int known = carried is null ? 0 : ids.Span[..root.FirstWanted].CommonPrefixLength(carriedIds.Span);
        if (carried is not null && (known == 0 || carried.Capacity < root.End))
        {
            DecoderSession old = carried;
            carried = known == 0 ? null : old.Fork(known, root.End);
            old.Dispose();
        }
        if (carried is null && root.End > 0)
            carried = decoder.StartSession(root.End);
        carried?.Truncate(known);
        carriedIds = ids;
        root.Session = carried;
        root.Begin = known;
    }

    private void RunLevel(List<ContinuationText> texts, List<Branch> level, ContinuationScore[][] scores, CancellationToken cancellationToken)
    {
        List<Branch> running = [];
        foreach (Branch branch in level)
        {
            if (branch.Begin == branch.End)
                continue;
            running.Add(branch);
            batch.Add(branch.Session!, branch.Ids.Span[branch.Begin..], branch.FirstWanted - branch.Begin, NameOf(texts, branch));
        }
        batch.Run((entry, position, logits) => Take(texts, running[entry], running[entry].Begin + position, logits, scores), cancellationToken);
    }

    // A branch may belong to many texts: the first stands for them.
    private string NameOf(List<ContinuationText> texts, Branch branch)
    {
        ContinuationText first = texts[branch.FirstText];
        int others = branch.EndText - branch.FirstText - 1;
        string alike = others == 0 ? "" : FormattableString.Invariant($" (and {others} more that begin alike)");
        return FormattableString.Invariant($"set {first.Set}, continuation {first.Choice}{alike} of {name}");
    }

    /// <summary>Adds what the logits of a position say about the texts that pass it.</summary>
    private static void Take(List<ContinuationText> texts, Branch branch, int position, ReadOnlySpan<float> logits, ContinuationScore[][] scores)
    {
        LogNormaliser normaliser = LogNormaliser.Of(logits);
        for (int i = branch.FirstText; i < branch.EndText; i++)
        {
            ContinuationText text = texts[i];
            if (position < text.FirstWanted)
                continue;
            int id = text.Ids[position + 1];
            ref ContinuationScore score = ref scores[text.Set][text.Choice];
            score = score with
            {
                LogProbability = score.LogProbability + normaliser.LogProbability(logits[id]),
                IsGreedy = score.IsGreedy && normaliser.Top == id,
            };
        }
    }

    /// <summary>
    /// Finds how the texts of a computed branch go on. Each way gets a session that holds the branch: a fork, or for the last way the branch's own.
    /// </summary>
    private void Split(List<ContinuationText> texts, Branch branch, List<Branch> next)
    {
        int first = branch.FirstText;
        while (first < branch.EndText && texts[first].Input.Length == branch.End)
            first++;
        bool ownIsFree = branch.Session != carried;
        while (first < branch.EndText)
        {
            int end = first + 1;
            while (end < branch.EndText && texts[end].Ids[branch.End] == texts[first].Ids[branch.End])
                end++;
            var way = new Branch(texts, first, end, branch.End);
            next.Add(way);
            if (end == branch.EndText && ownIsFree)
            {
                way.Session = branch.Session;
                branch.Session = null;
            }
            else
            {
                way.Session = branch.Session?.Fork(branch.End, way.LongestInput) ?? decoder.StartSession(way.LongestInput);
            }
            first = end;
        }
        if (ownIsFree)
        {
            branch.Session?.Dispose();
            branch.Session = null;
        }
    }

    /// <summary>Tokens that some texts have in common, behind those that their session holds.</summary>
    private sealed class Branch
    {
        /// <summary>The common tokens of sorted texts; the first <paramref name="begin"/> are known to be common.</summary>
        public Branch(List<ContinuationText> texts, int first, int end, int begin)
        {
            FirstText = first;
            EndText = end;
            Begin = begin;
            // Sorted: what the first and the last have in common, all have.
            End = begin + texts[first].Input[begin..].CommonPrefixLength(texts[end - 1].Input[begin..]);
            Ids = texts[first].Ids.AsMemory(0, End);
            FirstWanted = End;
            for (int i = first; i < end; i++)
            {
                FirstWanted = Math.Min(FirstWanted, Math.Max(begin, texts[i].FirstWanted));
                LongestInput = Math.Max(LongestInput, texts[i].Input.Length);
            }
        }

        public int FirstText { get; }

        public int EndText { get; }

        /// <summary>Tokens that the session holds before the branch is run.</summary>
        public int Begin { get; set; }

        /// <summary>Tokens that it holds afterwards.</summary>
        public int End { get; }

        /// <summary>Those tokens.</summary>
        public ReadOnlyMemory<int> Ids { get; }

        /// <summary>The first position of the branch whose logits some text wants; <see cref="End"/> if none does.</summary>
        public int FirstWanted { get; }

        /// <summary>Room that the branch and all behind it need.</summary>
        public int LongestInput { get; }

        public DecoderSession? Session { get; set; }
    }
}
