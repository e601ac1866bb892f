using System.Globalization;
using System.Text;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Decoders;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.Normalizers;
using Decant.Core.Tokenizers.PostProcessors;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers.SentencePiece;

/// <summary>Makes a tokenizer of a SentencePiece model file (tokenizer.model): ids are SentencePiece's own, special tokens those of the files beside it.</summary>
internal static class SentencePieceTokenizerReader
{
    private const string Mark = "\u2581";
    // SentencePiece's score of a user-defined piece in a unigram model, whatever its length.
    private const float UserDefinedScore = -0.1f;

    /// <summary>Reads the file.</summary>
    /// <param name="bytes">Its contents.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <param name="config">What the other files of the folder say.</param>
    /// <exception cref="BadFileException">It is damaged, or the other files contradict it.</exception>
    /// <exception cref="NotSupportedModelException">It is of a kind that is not known.</exception>
    public static TokenizerParts Read(ReadOnlySpan<byte> bytes, string path, TokenizerConfig config)
    {
        SentencePieceFile file = SentencePieceFileReader.Read(bytes, path);
        SentencePieceConvention convention = SentencePieceConvention.Find(config.ClassName, file, path);
        Piece[] pieces = convention.IsFairseq ? ArrangeAsFairseq(file, path) : [.. file.Pieces];
        var vocabulary = new ModelVocabulary([.. pieces.Select((piece, id) => new KeyValuePair<string, int>(piece.Text, id))], path);
        AddedToken[] added = CollectAddedTokens(file, pieces, vocabulary, config, convention);
        int unknown = Array.FindIndex(pieces, p => p.Type == TokenType.Unknown);
        var otherwise = new SpecialTokenIds(FindControl(file.BosPiece), FindControl(file.EosPiece), unknown, FindControl(file.PaddingPiece), []);
        SpecialTokenIds special = config.ResolveSpecialTokens(added, vocabulary, otherwise);
        return new TokenizerParts
        {
            Location = path,
            Model = BuildModel(file, pieces, vocabulary, unknown, path),
            AddedTokens = added,
            Normalizer = BuildNormalizer(file, convention, config, path),
            PostProcessor = TemplatePostProcessor.Around(Named(FindBefore()), Named(FindAfter())),
            Decoder = BuildDecoder(file),
            Special = special,
            ChatTemplate = config.ChatTemplate,
        };

        int? FindControl(string text) => vocabulary.FindId(text) is { } id && pieces[id].Type == TokenType.Control ? id : null;
        int? FindBefore() => convention.HasFlags && config.FindFlag("add_bos_token") is { } adds
            ? adds ? special.Bos : null
            : convention.Before(file) is { } text ? vocabulary.FindId(text) : null;
        int? FindAfter() => convention.HasFlags && config.FindFlag("add_eos_token") is { } adds
            ? adds ? special.Eos : null
            : convention.After(file) is { } text ? vocabulary.FindId(text) : null;
        (int, string)? Named(int? id) => id is { } known ? (known, vocabulary.FindText(known) ?? "") : null;
    }

    private static Piece[] ArrangeAsFairseq(SentencePieceFile file, string path)
    {
        const int replaced = 3;
        if (file.Pieces.Count < replaced || file.Pieces.Take(replaced).Any(p => p.Type is not (TokenType.Control or TokenType.Unknown)))
            throw BadFileException.Expected(path, "the first three pieces", "control pieces and the unknown one, which XLM-R replaces", "others");
        return
        [
            new("<s>", 0, TokenType.Control), new("<pad>", 0, TokenType.Control), new("</s>", 0, TokenType.Control), new("<unk>", 0, TokenType.Unknown),
            .. file.Pieces.Skip(replaced), new("<mask>", 0, TokenType.Control),
        ];
    }

    private static AddedToken[] CollectAddedTokens(
        SentencePieceFile file, Piece[] pieces, ModelVocabulary vocabulary, TokenizerConfig config, SentencePieceConvention convention)
    {
        var byName = new Dictionary<string, AddedToken>(StringComparer.Ordinal);
        foreach (AddedToken token in config.AddedTokens)
            byName.TryAdd(token.Content, token);
        var added = new List<AddedToken>();
        for (int id = 0; id < pieces.Length; id++)
        {
            Piece piece = pieces[id];
            bool isUserDefined = piece.Type == TokenType.UserDefined;
            if (!isUserDefined && piece.Type is not (TokenType.Control or TokenType.Unknown))
                continue;
            if (byName.TryGetValue(piece.Text, out AddedToken? named) && named.Id == id && (!isUserDefined || named.IsSpecial))
                added.Add(named);
            else if (!isUserDefined || piece.Text == config.FindName("mask_token") || piece.Text == "[MASK]")
                added.Add(new AddedToken(id, piece.Text, StripsLeft: piece.Text is "<mask>" or "[MASK]"));
            else if (file.Kind is SentencePieceKind.Bpe or SentencePieceKind.Character)
                added.Add(new AddedToken(id, piece.Text, IsSpecial: false, IsNormalized: true, IsLiteral: true));
        }
        added.AddRange([.. config.TokensMissingFrom(added, vocabulary)]);
        if (added.All(t => t.Id < pieces.Length))
        {
            int count = convention.ExtraIdCount == 0 ? 0 : Math.Clamp(config.FindInteger("extra_ids") ?? convention.ExtraIdCount, 0, 1000);
            for (int i = 0; i < count; i++)
                added.Add(new AddedToken(pieces.Length + count - 1 - i, string.Create(CultureInfo.InvariantCulture, $"<extra_id_{i}>")));
        }
        return [.. added];
    }

    private static TokenModel BuildModel(SentencePieceFile file, Piece[] pieces, ModelVocabulary vocabulary, int unknown, string path)
    {
        switch (file.Kind)
        {
            case SentencePieceKind.Bpe:
                float[] scores = [.. pieces.Select(p => p.Score)];
                return ScoredPieces.BuildModel(vocabulary, scores, unknown, path, file.HasByteFallback, id => pieces[id].Type == TokenType.Normal);
            case SentencePieceKind.Unigram:
                float least = pieces.Where(p => p.Type == TokenType.Normal).Select(p => p.Score).DefaultIfEmpty(0).Min();
                var options = new UnigramOptions(unknown, file.HasByteFallback, least - UnigramOptions.UnknownPenalty, IsSinglePrecision: true);
                double[] offered = [.. pieces.Select(p => p.Type == TokenType.UserDefined ? UserDefinedScore : p.Score)];
                return new UnigramModel(
                    vocabulary, offered, options, Enumerable.Range(0, pieces.Length).Where(id => pieces[id].Type is not (TokenType.Normal or TokenType.UserDefined)).ToHashSet());
            case SentencePieceKind.Word:
                return new SentencePieceWordModel(vocabulary, unknown, file.HasByteFallback);
            default:
                return new BpeModel(vocabulary, [], new BpeOptions(IsByteLevel: false, unknown, FusesUnknown: true, file.HasByteFallback));
        }
    }

    private static Normalizer BuildNormalizer(SentencePieceFile file, SentencePieceConvention convention, TokenizerConfig config, string path)
    {
        Normalizer own = BuildOwnNormalizer(file, path);
        Normalizer[] before = [.. convention.Prepares?.Invoke(config) ?? []];
        return before.Length == 0 ? own : new SequenceNormalizer([.. before, own]);
    }

    private static Normalizer BuildOwnNormalizer(SentencePieceFile file, string path)
    {
        var spaces = new ReplaceNormalizer(" ", Mark);
        // The same in the words of tokenizer.json, which can be written as it is.
        if (file is { CharacterMap: [], RemovesExtraSpaces: false, EscapesSpaces: true, PutsSpaceLast: false })
            return file.AddsDummyPrefix ? new SequenceNormalizer([new PrependNormalizer(Mark), spaces]) : spaces;
        PieceTrie? kept = null;
        foreach (Piece piece in file.Pieces)
        {
            if (piece.Type == TokenType.UserDefined)
                (kept ??= new PieceTrie()).Add(Encoding.UTF8.GetBytes(piece.Text), 0);
        }
        CharacterMap? map = file.CharacterMap.Length == 0 ? null : CharacterMap.Read(file.CharacterMap, $"{path}: normalizer_spec.precompiled_charsmap");
        return new SentencePieceNormalizer(map, kept, new SpaceRules(file.AddsDummyPrefix, file.PutsSpaceLast, file.RemovesExtraSpaces, file.EscapesSpaces));
    }

    private static TokenDecoder BuildDecoder(SentencePieceFile file)
    {
        if (file is { Kind: SentencePieceKind.Unigram, HasByteFallback: false, AddsDummyPrefix: true, PutsSpaceLast: false })
            return new MetaspaceDecoder(Mark, PrependScheme.Always, splits: true);
        // Spaces at the start go, also where a space is put behind a text, which stays.
        (char, int, int)? strip = file.RemovesExtraSpaces ? (' ', int.MaxValue, 0) : file.AddsDummyPrefix ? (' ', 1, 0) : null;
        return new SentencePieceDecoder([(Mark, " ")], file.HasByteFallback, isFused: true, strip);
    }
}
