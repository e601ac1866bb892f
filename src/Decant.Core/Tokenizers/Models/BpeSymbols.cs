using System.Buffers;
using System.Text;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.Models;

/// <summary>What a word is made of before any merge: its bytes or code points as tokens, or what stands for the unknown.</summary>
internal sealed class BpeSymbols
{
    private const int PageBits = 8;
    private const int LongestWholeWord = 1024;

    private readonly ModelVocabulary vocabulary;
    private readonly BpeOptions options;
    private readonly int[] byteSymbols = new int[256];
    private readonly int[] byteTokens;
    private readonly int[]?[] codePointPages = new int[]?[0x110000 >> PageBits];

    /// <summary>Finds the symbols of a vocabulary.</summary>
    public BpeSymbols(ModelVocabulary vocabulary, BpeOptions options, IReadOnlyDictionary<int, int> inPieces)
    {
        this.vocabulary = vocabulary;
        this.options = options;
        HasSymbolsOutsideVocabulary = inPieces.Count > 0;
        byteTokens = options.HasByteFallback ? ByteTokens.Find(vocabulary) : [.. Enumerable.Repeat(-1, 256)];
        for (int b = 0; b < 256; b++)
            byteSymbols[b] = options.IsByteLevel ? vocabulary.FindId(ByteLevelAlphabet.CharacterOf((byte)b).ToString()) ?? -1 : -1;
        if (options.IsByteLevel)
            return;
        for (int id = 0; id < vocabulary.Count; id++)
        {
            if (vocabulary.FindText(id) is { Length: 1 or 2 } text
                && Rune.DecodeFromUtf16(text, out Rune rune, out int length) == OperationStatus.Done && length == text.Length)
                SetCodePoint(rune.Value, id);
        }
        foreach ((int codePoint, int id) in inPieces)
            SetCodePoint(codePoint, id);
    }

    /// <summary>True if symbols are bytes.</summary>
    public bool IsByteLevel => options.IsByteLevel;

    /// <summary>True if some symbols have ids above the vocabulary's and must be replaced after merging.</summary>
    public bool HasSymbolsOutsideVocabulary { get; }

    /// <summary>The symbol of a byte (byte-level), or -1.</summary>
    public int OfByte(byte value) => byteSymbols[value];

    /// <summary>The symbol of a code point, or -1.</summary>
    public int OfCodePoint(int codePoint) => codePointPages[codePoint >> PageBits]?[codePoint & (1 << PageBits) - 1] ?? -1;

    /// <summary>The token of a byte under byte fallback, or -1.</summary>
    public int ByteToken(byte value) => byteTokens[value];

    /// <summary>Reads a word; there are at most as many symbols as bytes.</summary>
    /// <returns>The number of symbols.</returns>
    public int Read(ReadOnlySpan<byte> word, Span<int> ids, Span<int> byteCounts, out bool hasUnknown)
    {
        var reading = new Reading(ids, byteCounts);
        hasUnknown = false;
        for (int i = 0; i < word.Length;)
        {
            int length = 1;
            int symbol = options.IsByteLevel && options.ContinuingPrefix.Length + options.WordSuffix.Length == 0
                ? byteSymbols[word[i]]
                : SymbolAt(word, i, out length);
            if (symbol >= 0)
            {
                reading.FlushUnknown();
                reading.Add(symbol, length);
            }
            else
            {
                hasUnknown = true;
                ReadUnknown(word.Slice(i, length), ref reading);
            }
            i += length;
        }
        reading.FlushUnknown();
        return reading.Count;
    }

    /// <summary>The tokens for a symbol that is in no token: its bytes', or the unknown token, or nothing.</summary>
    public void AppendUnknown(ReadOnlySpan<byte> symbol, TokenBuffer tokens)
    {
        if (HasTokensFor(symbol))
        {
            foreach (byte b in symbol)
                tokens.Add(byteTokens[b], 1);
        }
        else if (options.UnknownId is { } unknown)
            tokens.Add(unknown, symbol.Length);
    }

    /// <summary>The token that is exactly this word, or null.</summary>
    public int? FindWholeWord(ReadOnlySpan<byte> word)
    {
        // In the byte alphabet a byte is a character; in UTF-8 a character is at least one byte.
        if (word.Length > LongestWholeWord || options.IsByteLevel && word.Length > vocabulary.MaxTextLength)
            return null;
        Span<char> characters = stackalloc char[word.Length];
        int length = word.Length;
        if (options.IsByteLevel)
            ByteLevelAlphabet.Map(word, characters);
        else
            length = Encoding.UTF8.GetChars(word, characters);
        return vocabulary.CharacterLookup.TryGetValue(characters[..length], out int id) ? id : null;
    }

    private void ReadUnknown(ReadOnlySpan<byte> symbol, ref Reading reading)
    {
        if (HasTokensFor(symbol))
        {
            // As in the reference, an unknown token that is still waiting comes after these.
            foreach (byte b in symbol)
                reading.Add(byteTokens[b], 1);
        }
        else if (options.UnknownId is { } unknown)
            reading.AddUnknown(unknown, symbol.Length, options.FusesUnknown);
    }

    private bool HasTokensFor(ReadOnlySpan<byte> symbol)
    {
        if (!options.HasByteFallback)
            return false;
        foreach (byte b in symbol)
        {
            if (byteTokens[b] < 0)
                return false;
        }
        return true;
    }

    private int SymbolAt(ReadOnlySpan<byte> word, int index, out int length)
    {
        int codePoint = options.IsByteLevel ? ByteLevelAlphabet.CharacterOf(word[index]) : Utf8.CodePointAt(word, index, out _);
        length = options.IsByteLevel ? 1 : Utf8.LengthOf(word[index]);
        string prefix = index > 0 ? options.ContinuingPrefix : "";
        string suffix = index + length == word.Length ? options.WordSuffix : "";
        if (prefix.Length + suffix.Length == 0)
            return options.IsByteLevel ? byteSymbols[word[index]] : OfCodePoint(codePoint);
        return vocabulary.FindId(prefix + char.ConvertFromUtf32(codePoint) + suffix) ?? -1;
    }

    private void SetCodePoint(int codePoint, int id)
    {
        ref int[]? page = ref codePointPages[codePoint >> PageBits];
        if (page is null)
        {
            page = new int[1 << PageBits];
            page.AsSpan().Fill(-1);
        }
        page[codePoint & (1 << PageBits) - 1] = id;
    }

    /// <summary>Symbols as they are read, and an unknown token that may still grow.</summary>
    private ref struct Reading(Span<int> ids, Span<int> byteCounts)
    {
        private readonly Span<int> ids = ids;
        private readonly Span<int> byteCounts = byteCounts;
        private int unknownId;
        private int unknownLength;

        public int Count { get; private set; }

        public void Add(int id, int byteCount)
        {
            ids[Count] = id;
            byteCounts[Count++] = byteCount;
        }

        public void AddUnknown(int id, int byteCount, bool fuses)
        {
            if (!fuses)
                FlushUnknown();
            unknownId = id;
            unknownLength += byteCount;
        }

        public void FlushUnknown()
        {
            if (unknownLength == 0)
                return;
            Add(unknownId, unknownLength);
            unknownLength = 0;
        }
    }
}
