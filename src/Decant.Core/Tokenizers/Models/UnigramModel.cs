using System.Globalization;
using System.Text;
using System.Text.Json;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Models;

/// <summary>
/// SentencePiece's unigram language model (Kudo 2018): of all ways to write a word in pieces, the one whose scores, logarithms of probabilities, have the
/// largest sum. A character that is no piece costs ten more than the worst piece. Between equal ways the one found first stays.
/// </summary>
internal sealed class UnigramModel : TokenModel
{
    private const double UnknownPenalty = 10;

    private readonly double[] scores;
    private readonly PieceTrie trie = new();
    private readonly int unknownId;
    private readonly bool hasByteFallback;
    private readonly int[] byteTokens = new int[256];
    private readonly double unknownScore;
    private readonly WordCache cache = new();

    /// <summary>Builds the model.</summary>
    /// <param name="vocabulary">The pieces.</param>
    /// <param name="scores">Scores by id, all finite.</param>
    /// <param name="unknownId">The unknown token.</param>
    /// <param name="hasByteFallback">True if unknown characters become bytes (<c>&lt;0x41&gt;</c>) where all are in the vocabulary.</param>
    public UnigramModel(ModelVocabulary vocabulary, double[] scores, int unknownId, bool hasByteFallback)
    {
        Vocabulary = vocabulary;
        this.scores = scores;
        this.unknownId = unknownId;
        this.hasByteFallback = hasByteFallback;
        unknownScore = scores.Min() - UnknownPenalty;
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.FindText(id) is { Length: > 0 } text)
                trie.Add(Encoding.UTF8.GetBytes(text), id);
        }
        for (int b = 0; b < byteTokens.Length; b++)
            byteTokens[b] = hasByteFallback ? vocabulary.FindId(string.Create(CultureInfo.InvariantCulture, $"<0x{b:X2}>")) ?? -1 : -1;
    }

    /// <inheritdoc/>
    public override ModelVocabulary Vocabulary { get; }

    /// <summary>Scores by id.</summary>
    public IReadOnlyList<double> Scores => scores;

    /// <summary>The unknown token.</summary>
    public int UnknownId => unknownId;

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
        writer.WriteBoolean("byte_fallback", hasByteFallback);
        writer.WriteEndObject();
    }

    private void FindBest(ReadOnlySpan<byte> word, TokenBuffer tokens)
    {
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
            for (int end = start; end < word.Length && trie.TryStep(ref node, word[end], out int id); end++)
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

    private static void Offer(ref Node node, double score, int start, int id)
    {
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
        bool hasBytes = hasByteFallback;
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
