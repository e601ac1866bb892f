using System.Text;
using System.Text.Json;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Models;

/// <summary>How a unigram model treats its words.</summary>
/// <param name="UnknownId">The unknown token.</param>
/// <param name="HasByteFallback">True if unknown characters become bytes (<c>&lt;0x41&gt;</c>) where all are in the vocabulary.</param>
/// <param name="UnknownScore">What an unknown character scores; null: ten less than the worst piece.</param>
/// <param name="IsSinglePrecision">True if sums are rounded to single precision, as SentencePiece's own are.</param>
internal sealed record UnigramOptions(int UnknownId, bool HasByteFallback = false, double? UnknownScore = null, bool IsSinglePrecision = false)
{
    /// <summary>How much less than the worst piece an unknown character scores.</summary>
    public const float UnknownPenalty = 10;
}

/// <summary>
/// SentencePiece's unigram language model (Kudo 2018): of all ways to write a word in pieces, the one whose scores, logarithms of probabilities, have the
/// largest sum. A character that is no piece costs ten more than the worst piece. Between equal ways the one found first stays.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    private readonly double[] scores;
    private readonly Lazy<PieceTrie> trie;
    private readonly UnigramOptions options;
    private readonly int unknownId;
    private readonly int[] byteTokens;
    private readonly double unknownScore;
    private readonly WordCache cache = new();

    /// <summary>Builds the model.</summary>
    /// <param name="vocabulary">The pieces.</param>
    /// <param name="scores">Scores by id, all finite.</param>
    /// <param name="options">How words are treated.</param>
    /// <param name="unreachable">Ids that no text becomes.</param>
    public UnigramModel(ModelVocabulary vocabulary, double[] scores, UnigramOptions options, IReadOnlySet<int>? unreachable = null)
    {
        Vocabulary = vocabulary;
        this.scores = scores;
        this.options = options;
        unknownId = options.UnknownId;
        unknownScore = options.UnknownScore ?? scores.Min() - UnigramOptions.UnknownPenalty;
        trie = new Lazy<PieceTrie>(() => MakeTrie(unreachable));
        byteTokens = ByteTokens.Find(vocabulary);
    }

    /// <inheritdoc/>
    public override string Kind => "unigram";

    /// <inheritdoc/>
    public override ModelVocabulary Vocabulary { get; }

    /// <summary>Scores by id.</summary>
    public IReadOnlyList<double> Scores => scores;

    /// <summary>How words are treated.</summary>
    public UnigramOptions Options => options;

    /// <inheritdoc/>
    public override int? VerbatimId => unknownId;

    /// <inheritdoc/>
    public override void Tokenize(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        bool isShort = word.Length <= WordCache.LongestWord;
        ulong hash = isShort ? WordCache.HashOf(word) : 0;
        if (isShort && cache.TryAppend(word, hash, tokens))
            return;
        int first = tokens.Count;
        FindBest(word, tokens);
        if (isShort)
            cache.Store(word, hash, tokens.Ids[first..], tokens.ByteCounts[first..]);
    }

    /// <inheritdoc/>
    public override void WriteJson(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "Unigram");
        writer.WriteNumber("unk_id", unknownId);
        writer.WriteStartArray("vocab");
        for (int id = 0; id < Vocabulary.Count; id++)
        {
            writer.WriteStartArray();
            writer.WriteStringValue(Vocabulary.FindText(id));
            writer.WriteNumberValue(scores[id]);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
        writer.WriteBoolean("byte_fallback", options.HasByteFallback);
        writer.WriteEndObject();
    }

    /// <summary>The same model with ids that no text becomes.</summary>
    public UnigramModel Without(IReadOnlySet<int> unreachable) => new(Vocabulary, scores, options, unreachable);

    private PieceTrie MakeTrie(IReadOnlySet<int>? unreachable)
    {
        var made = new PieceTrie();
        for (int id = 0; id < Vocabulary.Count; id++)
        {
            if (Vocabulary.FindText(id) is { Length: > 0 } text && unreachable?.Contains(id) is not true)
                made.Add(Encoding.UTF8.GetBytes(text), id);
        }
        return made;
    }

    private void FindBest(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
        PieceTrie pieces = trie.Value;
        var best = new Node[word.Length + 1];
        best[0] = new Node(0, 0, -1);
        for (int i = 1; i < best.Length; i++)
            best[i] = new Node(0, -1, -1);
        for (int start = 0; start < word.Length;)
        {
            int characterLength = Utf8.LengthOf(word[start]);
            bool hasCharacter = false;
            double before = best[start].Score;
            int node = PieceTrie.Root;
            for (int end = start; end < word.Length && pieces.TryStep(ref node, word[end], out int id); end++)
            {
                if (id < 0)
                    continue;
                Offer(ref best[end + 1], before + scores[id], start, id);
                hasCharacter |= end + 1 - start == characterLength;
            }
            if (!hasCharacter)
                Offer(ref best[start + characterLength], before + unknownScore, start, unknownId);
            start += characterLength;
        }
        AppendPath(word, best, tokens);
    }

    private void Offer(ref Node node, double score, int start, int id)
    {
        if (options.IsSinglePrecision)
            score = (float)score;
        if (node.Start < 0 || score > node.Score)
            node = new Node(score, start, id);
    }

    // The path is found from its end; neighbouring unknown characters become one.
    private void AppendPath(ReadOnlySpan<byte> word, Node[] best, TokenBuffer tokens)
    {
        var path = new Stack<(int Start, int End, int Id)>();
        for (int end = word.Length; end > 0;)
        {
            Node node = best[end];
            if (node.Id == unknownId && path.TryPeek(out (int Start, int End, int Id) next) && next.Id == unknownId)
            {
                path.Pop();
                path.Push((node.Start, next.End, unknownId));
            }
            else
            {
                path.Push((node.Start, end, node.Id));
            }
            end = node.Start;
        }
        foreach ((int start, int end, int id) in path)
        {
            if (id == unknownId)
                AppendUnknown(word[start..end], tokens);
            else
                tokens.Add(id, end - start);
        }
    }

    private void AppendUnknown(ReadOnlySpan<byte> text, TokenBuffer tokens)
    {
        bool hasBytes = options.HasByteFallback;
        foreach (byte b in text)
            hasBytes &= byteTokens[b] >= 0;
        if (!hasBytes)
        {
            tokens.Add(unknownId, text.Length);
            return;
        }
        foreach (byte b in text)
            tokens.Add(byteTokens[b], 1);
    }

    // The best way to write the text up to here: its score, where its last piece starts (−1: none yet) and which that is.
    private readonly record struct Node(double Score, int Start, int Id);
}
