using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Decant.Core.Tokenizers.Gguf;
using Decant.Core.Tokenizers.Models;
using Decant.Core.Tokenizers.PreTokenizers;

namespace Decant.Core.Tokenizers;

/// <summary>
/// Turns text into token ids and back, as the reference tokenizers do with the same files: added tokens are found first, the text between
/// them is normalized, cut into words and given to the model; then special tokens are put around. Immutable; safe for several threads.
/// </summary>
public sealed class Tokenizer
{
    private readonly TokenizerParts parts;
    private readonly AddedTokenFinder rawTokens;
    private readonly AddedTokenFinder normalizedTokens;
    // For texts whose special tokens are no more than their letters.
    private readonly Lazy<AddedTokenFinder> rawOrdinaryTokens;
    private readonly Lazy<AddedTokenFinder> normalizedOrdinaryTokens;
    private readonly Dictionary<string, int> addedIds = new(StringComparer.Ordinal);
    private readonly Dictionary<int, AddedToken> addedById = [];
    private readonly Dictionary<int, string> normalizedNames = [];
    private readonly HashSet<string> specialTexts = new(StringComparer.Ordinal);
    private readonly Lazy<string> fingerprint;

    internal Tokenizer(TokenizerParts parts)
    {
        this.parts = parts;
        // Special tokens first: of two with the same normalized name the special one is found.
        AddedToken[] ordered = [.. parts.AddedTokens.Where(t => t.IsSpecial), .. parts.AddedTokens.Where(t => !t.IsSpecial)];
        foreach (AddedToken token in ordered)
        {
            addedIds.TryAdd(token.Content, token.Id);
            addedById.TryAdd(token.Id, token);
            if (token.IsSpecial)
                specialTexts.Add(token.Content);
            if (token.IsLiteral)
                normalizedNames.TryAdd(token.Id, token.Content);
            else if (token.IsNormalized)
                normalizedNames.TryAdd(token.Id, Normalize(AlignedText.FromSource(token.Content, isAligned: false)).ToString());
        }
        rawTokens = new AddedTokenFinder(ordered.Where(t => !t.IsNormalized), t => t.Content, parts.Location);
        normalizedTokens = new AddedTokenFinder(ordered.Where(t => t.IsNormalized), t => normalizedNames[t.Id], parts.Location);
        rawOrdinaryTokens = new(() => new AddedTokenFinder(ordered.Where(t => !t.IsNormalized && !t.IsSpecial), t => t.Content, parts.Location));
        normalizedOrdinaryTokens = new(() => new AddedTokenFinder(ordered.Where(t => t.IsNormalized && !t.IsSpecial), t => normalizedNames[t.Id], parts.Location));
        VocabularyCount = parts.Model.Vocabulary.Count;
        foreach (AddedToken token in ordered)
            VocabularyCount = Math.Max(VocabularyCount, token.Id + 1);
        (PrefixIds, SuffixIds) = FindTemplateIds();
        fingerprint = new Lazy<string>(ComputeFingerprint);
    }

    /// <summary>One more than the largest id, added tokens included. A model's embedding may have more rows.</summary>
    public int VocabularyCount { get; }

    /// <summary>Texts of added tokens that the model has no row for: to this tokenizer they are plain text. Empty for a tokenizer by itself.</summary>
    public IReadOnlyList<string> LeftOut => parts.LeftOut;

    /// <summary>What the user should know although the tokenizer can be used: tokens beyond the model's rows, ids that no token has.</summary>
    public IReadOnlyList<string> Notices => [.. LeftOutNotice(), .. MissingNotice()];

    /// <summary>The file it was read from.</summary>
    public string File => parts.Location;

    /// <summary>What kind of model cuts its words: <c>BPE</c>, <c>byte-level BPE</c>, <c>unigram</c>, <c>WordPiece</c> or <c>word level</c>.</summary>
    public string Kind => parts.Model.Kind;

    /// <summary>Ids with a meaning of their own.</summary>
    public SpecialTokenIds Special => parts.Special;

    /// <summary>The ids put before a text when special tokens are added.</summary>
    public IReadOnlyList<int> PrefixIds { get; }

    /// <summary>The ids put behind a text when special tokens are added.</summary>
    public IReadOnlyList<int> SuffixIds { get; }

    /// <summary>True if adding special tokens puts the Bos token first.</summary>
    public bool AddsBos => PrefixIds.Count > 0 && PrefixIds[0] == Special.Bos;

    /// <summary>True if adding special tokens puts the Eos token last.</summary>
    public bool AddsEos => SuffixIds.Count > 0 && SuffixIds[^1] == Special.Eos;

    /// <summary>The chat template that came with the tokenizer, or null.</summary>
    public string? ChatTemplate => parts.ChatTemplate;

    /// <summary>
    /// A SHA-256 (hexadecimal) of every id and its text, but for placeholders named <c>[PADid]</c>, which only fill up a file. Two models
    /// whose logits are to be compared must have the same.
    /// </summary>
    public string Fingerprint => fingerprint.Value;

    internal TokenizerParts Parts => parts;

    /// <summary>Tokenizes a text.</summary>
    /// <param name="text">Any text; an unpaired surrogate counts as U+FFFD. Special tokens written in it are recognised.</param>
    /// <param name="addSpecialTokens">True to put the template's tokens (such as Bos) around it.</param>
    public TokenEncoding Encode(string text, bool addSpecialTokens)
    {
        EncodingBuilder encoding = Run(text, addSpecialTokens, recognisesSpecialTokens: true, hasDetails: true);
        return new TokenEncoding(encoding.Ids, encoding.Tokens!, encoding.Offsets!);
    }

    /// <summary>The ids of <see cref="Encode"/> alone, faster.</summary>
    /// <param name="text">Any text; an unpaired surrogate counts as U+FFFD.</param>
    /// <param name="addSpecialTokens">True to put the template's tokens (such as Bos) around it.</param>
    /// <param name="recogniseSpecialTokens">False to take special tokens written in the text for plain text, as llama.cpp's perplexity tool
    /// does and as text from strangers should be taken; added tokens that are not special are found all the same.</param>
    public int[] EncodeIds(string text, bool addSpecialTokens, bool recogniseSpecialTokens = true) =>
        [.. Run(text, addSpecialTokens, recogniseSpecialTokens, hasDetails: false).Ids];

    /// <summary>The text of tokens. Ids outside the vocabulary give nothing.</summary>
    /// <param name="ids">The tokens.</param>
    /// <param name="skipSpecialTokens">True to leave special tokens out.</param>
    public string Decode(ReadOnlySpan<int> ids, bool skipSpecialTokens)
    {
        var tokens = new List<string>(ids.Length);
        foreach (int id in ids)
        {
            // As in the reference, a special token whose name the normalizer changes is not known for one by then, and stays.
            if (FindDecodedText(id) is { } text && !(skipSpecialTokens && specialTexts.Contains(text)))
                tokens.Add(text);
        }
        return tokens.Count == 0 ? "" : parts.Decoder.Decode(tokens);
    }

    /// <summary>Starts decoding id by id.</summary>
    /// <param name="skipSpecialTokens">True to leave special tokens out.</param>
    public StreamingDecoder CreateStream(bool skipSpecialTokens) => new(this, parts.Decoder.Open(), skipSpecialTokens);

    /// <summary>The text of a token as the vocabulary spells it (with Ġ, ▁ and the like); empty if the id has none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The id is negative or not below <see cref="VocabularyCount"/>.</exception>
    public string TokenText(int id)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(id);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(id, VocabularyCount);
        return FindText(id) ?? "";
    }

    /// <summary>The id of the token the vocabulary spells so, or null.</summary>
    public int? FindId(string text) => addedIds.TryGetValue(text, out int id) ? id : parts.Model.Vocabulary.FindId(text);

    /// <summary>True if decoding can leave this token out.</summary>
    public bool IsSpecial(int id) => FindText(id) is { } text && specialTexts.Contains(text);

    /// <summary>The text a decoder gets for an id: an added token that is sought in normalized text goes by its normalized name.</summary>
    internal string? FindDecodedText(int id) => normalizedNames.TryGetValue(id, out string? name) ? name : FindText(id);

    internal string? FindText(int id) => addedById.TryGetValue(id, out AddedToken? added) ? added.Content : parts.Model.Vocabulary.FindText(id);

    private AlignedText Normalize(AlignedText text) => parts.Normalizer?.Normalize(text) ?? text;

    private EncodingBuilder Run(string text, bool addSpecialTokens, bool recognisesSpecialTokens, bool hasDetails)
    {
        ArgumentNullException.ThrowIfNull(text);
        AddedTokenFinder rawFinder = recognisesSpecialTokens ? rawTokens : rawOrdinaryTokens.Value;
        AddedTokenFinder normalizedFinder = recognisesSpecialTokens ? normalizedTokens : normalizedOrdinaryTokens.Value;
        TokenModel model = (recognisesSpecialTokens ? null : parts.PlainTextModel) ?? parts.Model;
        var encoding = new EncodingBuilder(hasDetails);
        var tokens = new TokenBuffer();
        var source = AlignedText.FromSource(text, hasDetails);
        var raw = new List<Stretch>();
        var normalized = new List<Stretch>();
        rawFinder.Split(source.Bytes, raw);
        foreach (Stretch stretch in raw)
        {
            AlignedText part = source.Slice(stretch.Start, stretch.Length);
            if (stretch.Token is { } token)
            {
                AddFound(token, part, encoding);
                continue;
            }
            part = Normalize(part);
            normalized.Clear();
            normalizedFinder.Split(part.Bytes, normalized);
            foreach (Stretch inner in normalized)
            {
                AlignedText piece = part.Slice(inner.Start, inner.Length);
                if (inner.Token is { } innerToken)
                    AddFound(innerToken, piece, encoding);
                else
                    AddText(piece, model, tokens, encoding);
            }
        }
        return parts.PostProcessor?.Process(encoding, addSpecialTokens) ?? encoding;
    }

    private static void AddFound(AddedToken token, AlignedText matched, EncodingBuilder encoding)
    {
        if (encoding.Tokens is null)
            encoding.Ids.Add(token.Id);
        else
            encoding.Add(token.Id, matched.ToString(), matched.SourceOf(0, matched.Length));
    }

    private void AddText(AlignedText text, TokenModel model, TokenBuffer tokens, EncodingBuilder encoding)
    {
        var words = new WordList(text);
        parts.PreTokenizer?.Apply(words);
        foreach (Word word in words.Words)
        {
            if (encoding.Tokens is not null)
                tokens.Clear();
            model.Tokenize(words.Text.Bytes.Slice(word.Start, word.Length), tokens);
            if (encoding.Tokens is null)
                continue;
            AddDetails(words.Text.Slice(word.Start, word.Length), tokens, encoding);
        }
        if (encoding.Tokens is not null)
            return;
        encoding.Ids.AddRange(tokens.Ids);
        tokens.Clear();
    }

    private void AddDetails(AlignedText word, TokenBuffer tokens, EncodingBuilder encoding)
    {
        int byteCount = 0;
        foreach (int length in tokens.ByteCounts)
            byteCount += length;
        // Where the vocabulary lacks a byte and has no unknown token, tokens are missing, and the reference counts on in the stand-ins.
        StandInPositions? positions = parts.Model.IsByteLevel && byteCount != word.Length ? new StandInPositions(word.Bytes) : null;
        int position = 0;
        for (int i = 0; i < tokens.Count; i++)
        {
            int id = tokens.Ids[i];
            string text = id == parts.Model.VerbatimId
                ? Encoding.UTF8.GetString(word.Bytes.Slice(position, tokens.ByteCounts[i]))
                : FindText(id) ?? "";
            int length = positions is null ? tokens.ByteCounts[i] : Encoding.UTF8.GetByteCount(text);
            encoding.Add(id, text, positions is null ? word.SourceOf(position, length) : positions.SourceOf(word, position, length));
            position += length;
        }
    }

    private (int[] Prefix, int[] Suffix) FindTemplateIds()
    {
        if (parts.PostProcessor is null)
            return ([], []);
        const int marker = -1;
        var encoding = new EncodingBuilder(hasDetails: false);
        encoding.Ids.Add(marker);
        List<int> ids = parts.PostProcessor.Process(encoding, addSpecialTokens: true).Ids;
        int at = ids.IndexOf(marker);
        return at < 0 ? ([.. ids], []) : ([.. ids.Take(at)], [.. ids.Skip(at + 1)]);
    }

    private IEnumerable<string> LeftOutNotice() => LeftOut.Count == 0 ? [] :
    [
        string.Create(
            CultureInfo.InvariantCulture,
            $"the tokenizer has {LeftOut.Count} added token{(LeftOut.Count == 1 ? "" : "s")} beyond the rows of the model's embedding ({string.Join(", ", LeftOut.Take(3))}{(LeftOut.Count > 3 ? ", ..." : "")}): read as plain text"),
    ];

    private IEnumerable<string> MissingNotice()
    {
        int[] missing = [.. Enumerable.Range(0, VocabularyCount).Where(id => FindText(id) is null)];
        return missing.Length == 0 ? [] :
        [
            string.Create(
                CultureInfo.InvariantCulture,
                $"the vocabulary has no token for {missing.Length} of its {VocabularyCount} ids ({string.Join(", ", missing.Take(3))}{(missing.Length > 3 ? ", ..." : "")}): nothing is written for them"),
        ];
    }

    private string ComputeFingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> numbers = stackalloc byte[8];
        for (int id = 0; id < VocabularyCount; id++)
        {
            if (FindText(id) is not { } text || text == GgufTokens.Placeholder(id))
                continue;
            byte[] utf8 = Encoding.UTF8.GetBytes(text);
            BinaryPrimitives.WriteInt32LittleEndian(numbers, id);
            BinaryPrimitives.WriteInt32LittleEndian(numbers[4..], utf8.Length);
            hash.AppendData(numbers);
            hash.AppendData(utf8);
        }
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
