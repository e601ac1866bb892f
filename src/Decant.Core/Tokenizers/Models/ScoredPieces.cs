using System.Text;
using Decant.Core.Errors;

namespace Decant.Core.Tokenizers.Models;

/// <summary>
/// SentencePiece's BPE (Kudo and Richardson 2018) has no list of merges: two neighbours merge if they make a piece together, the piece of
/// the best score first, leftmost among equals. Every way to cut a piece in two is therefore a merge whose rank is its piece's place in the
/// order of scores.
/// </summary>
internal static class ScoredPieces
{
    /// <summary>The longest piece in UTF-16 units; every way to cut a piece is tried, so length costs.</summary>
    public const int MaxPieceLength = 1024;

    /// <summary>Builds the model; unknown characters are fused.</summary>
    /// <param name="vocabulary">The pieces.</param>
    /// <param name="scores">Scores by id; higher merges first.</param>
    /// <param name="unknownId">The unknown token.</param>
    /// <param name="location">The file, for messages.</param>
    /// <param name="hasByteFallback">True if unknown characters become bytes.</param>
    /// <param name="isMerged">Tells ids that merges may make; null: all.</param>
    public static BpeModel BuildModel(
        ModelVocabulary vocabulary, ReadOnlySpan<float> scores, int? unknownId, string location, bool hasByteFallback = true, Func<int, bool>? isMerged = null)
    {
        int[] ranks = RanksOf(vocabulary, scores, location);
        var inPieces = new Dictionary<int, int>();
        var merges = new List<Merge>();
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.FindText(id) is { Length: > 1 } piece && isMerged?.Invoke(id) is not false)
                AddMerges(vocabulary, piece, id, ranks[id], inPieces, merges);
        }
        merges.Sort((a, b) =>
        {
            int order = a.Rank.CompareTo(b.Rank);
            return order != 0 ? order : (a.Result, a.Left, a.Right).CompareTo((b.Result, b.Left, b.Right));
        });
        var options = new BpeOptions(IsByteLevel: false, unknownId, FusesUnknown: true, hasByteFallback);
        return new BpeModel(vocabulary, [.. merges], options, inPieces);
    }

    private static int[] RanksOf(ModelVocabulary vocabulary, ReadOnlySpan<float> scores, string location)
    {
        int[] order = new int[vocabulary.Count];
        float[] keys = new float[vocabulary.Count];
        for (int id = 0; id < order.Length; id++)
        {
            if (float.IsNaN(scores[id]))
                throw BadFileException.Expected(location, $"the score of token {id}", "a number", "NaN");
            if (vocabulary.FindText(id) is { } text && text.Length > MaxPieceLength)
                throw BadFileException.Expected(location, $"token {id}", $"at most {MaxPieceLength} characters", $"{text.Length}");
            order[id] = id;
            keys[id] = -scores[id];
        }
        Array.Sort(keys, order);
        int[] ranks = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
            ranks[order[i]] = i > 0 && keys[i] == keys[i - 1] ? ranks[order[i - 1]] : i;
        return ranks;
    }

    private static void AddMerges(ModelVocabulary vocabulary, string piece, int id, int rank, Dictionary<int, int> inPieces, List<Merge> merges)
    {
        for (int cut = 1; cut < piece.Length; cut++)
        {
            if (char.IsLowSurrogate(piece[cut]) && char.IsHighSurrogate(piece[cut - 1]))
                continue;
            int left = Find(vocabulary, piece.AsSpan(0, cut), inPieces);
            if (left < 0)
                continue;
            int right = Find(vocabulary, piece.AsSpan(cut), inPieces);
            if (right >= 0)
                merges.Add(new Merge(left, right, rank, id));
        }
    }

    /// <summary>The id of a part of a piece. A single character that is no token gets an id above the vocabulary's: SentencePiece looks at
    /// texts, not at tokens, and merges it all the same.</summary>
    private static int Find(ModelVocabulary vocabulary, ReadOnlySpan<char> text, Dictionary<int, int> inPieces)
    {
        if (vocabulary.CharacterLookup.TryGetValue(text, out int id))
            return id;
        if (text.Length > 2 || Rune.DecodeFromUtf16(text, out Rune rune, out int length) != System.Buffers.OperationStatus.Done || length != text.Length)
            return -1;
        if (!inPieces.TryGetValue(rune.Value, out id))
        {
            id = vocabulary.Count + inPieces.Count;
            inPieces.Add(rune.Value, id);
        }
        return id;
    }
}
