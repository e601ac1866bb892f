using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.SentencePiece;

/// <summary>How SentencePiece cuts a text, by its numbers.</summary>
internal enum SentencePieceKind
{
    /// <summary>The most probable pieces.</summary>
    Unigram = 1,
    /// <summary>Merges by score.</summary>
    Bpe = 2,
    /// <summary>Whole words.</summary>
    Word = 3,
    /// <summary>Characters.</summary>
    Character = 4,
}

/// <summary>One piece.</summary>
/// <param name="Text">Its text.</param>
/// <param name="Score">Its score.</param>
/// <param name="Type">What it is for.</param>
internal readonly record struct Piece(string Text, float Score, TokenType Type);

/// <summary>What a SentencePiece model file (<c>ModelProto</c>) says, as far as encoding and decoding need it.</summary>
internal sealed class SentencePieceFile
{
    /// <summary>The pieces by id.</summary>
    public List<Piece> Pieces { get; } = [];

    /// <summary>How texts are cut.</summary>
    public SentencePieceKind Kind { get; set; } = SentencePieceKind.Unigram;

    /// <summary>True if unknown characters become bytes.</summary>
    public bool HasByteFallback { get; set; }

    /// <summary>True if the space belongs to the word before it.</summary>
    public bool PutsSpaceLast { get; set; }

    /// <summary>The piece that begins a text.</summary>
    public string BosPiece { get; set; } = "<s>";

    /// <summary>The piece that ends a text.</summary>
    public string EosPiece { get; set; } = "</s>";

    /// <summary>The piece that fills up batches.</summary>
    public string PaddingPiece { get; set; } = "<pad>";

    /// <summary>The encoded character map; empty for none.</summary>
    public byte[] CharacterMap { get; set; } = [];

    /// <summary>True if a space is put before a text (or behind it, see <see cref="PutsSpaceLast"/>).</summary>
    public bool AddsDummyPrefix { get; set; } = true;

    /// <summary>True if spaces at the ends go, and of several together one stays.</summary>
    public bool RemovesExtraSpaces { get; set; } = true;

    /// <summary>True if spaces become ▁.</summary>
    public bool EscapesSpaces { get; set; } = true;

    /// <summary>The id of a piece of this text and type, or null.</summary>
    public int? Find(string text, TokenType type)
    {
        int id = Pieces.FindIndex(p => p.Type == type && p.Text == text);
        return id < 0 ? null : id;
    }
}
