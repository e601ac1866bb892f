using System.Text;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.Models;

namespace Decant.Core.Tokenizers.SentencePiece;

/// <summary>Reads a SentencePiece model file, a Protocol Buffers message <c>ModelProto</c> (sentencepiece_model.proto).</summary>
internal static class SentencePieceFileReader
{
    private static readonly UTF8Encoding strictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Reads and checks the file.</summary>
    /// <param name="bytes">Its contents.</param>
    /// <param name="path">Its path, for messages.</param>
    /// <exception cref="BadFileException">It is damaged.</exception>
    /// <exception cref="NotSupportedModelException">It is of another kind.</exception>
    public static SentencePieceFile Read(ReadOnlySpan<byte> bytes, string path)
    {
        if (LooksLikeTiktoken(bytes))
            throw new NotSupportedModelException($"{path}: a tiktoken vocabulary (lines of base 64) is not supported; save the folder with a tokenizer.json (transformers writes one).");
        var file = new SentencePieceFile();
        var reader = new ProtobufReader(bytes, path);
        bool hasTrainer = false;
        while (reader.TryRead(out ProtobufField field))
        {
            switch (field.Number)
            {
                case 1:
                    file.Pieces.Add(ReadPiece(Message(field, path), path, file.Pieces.Count));
                    break;
                case 2:
                    hasTrainer = true;
                    ReadTrainer(Message(field, path), path, file);
                    break;
                case 3:
                    ReadNormalizer(Message(field, path), path, file);
                    break;
            }
        }
        // Behind the pieces, so that a file cut between two of them would pass for a smaller vocabulary.
        if (!hasTrainer)
            throw BadFileException.Expected(path, "trainer_spec", "such a field behind the pieces", $"none behind {file.Pieces.Count} pieces", "Is the download complete?");
        Check(file, path);
        return file;
    }

    private static Piece ReadPiece(ProtobufReader reader, string path, int id)
    {
        string text = "";
        float score = 0;
        TokenType type = TokenType.Normal;
        while (reader.TryRead(out ProtobufField field))
        {
            switch (field.Number)
            {
                case 1:
                    text = Text(field, path, $"the text of piece {id}");
                    break;
                case 2:
                    score = field.Type == WireType.Fixed32 ? BitConverter.UInt32BitsToSingle((uint)field.Value) : throw WrongType(field, path, "four bytes");
                    break;
                case 3:
                    type = (TokenType)Integer(field, path, $"the type of piece {id}", 1, 6);
                    break;
            }
        }
        if (text.Length == 0)
            throw BadFileException.Expected(path, $"piece {id}", "a text", "none");
        if (!float.IsFinite(score))
            throw BadFileException.Expected(path, $"the score of piece {id} ({ModelVocabulary.Quote(text)})", "a finite number", $"{score}");
        return new Piece(text, score, type);
    }

    private static void ReadTrainer(ProtobufReader reader, string path, SentencePieceFile file)
    {
        while (reader.TryRead(out ProtobufField field))
        {
            switch (field.Number)
            {
                case 3:
                    file.Kind = (SentencePieceKind)Integer(field, path, "trainer_spec.model_type", 1, 4);
                    break;
                case 24:
                    file.PutsSpaceLast = Boolean(field, path);
                    break;
                case 35:
                    file.HasByteFallback = Boolean(field, path);
                    break;
                case 46:
                    file.BosPiece = Text(field, path, "trainer_spec.bos_piece");
                    break;
                case 47:
                    file.EosPiece = Text(field, path, "trainer_spec.eos_piece");
                    break;
                case 48:
                    file.PaddingPiece = Text(field, path, "trainer_spec.pad_piece");
                    break;
            }
        }
    }

    private static void ReadNormalizer(ProtobufReader reader, string path, SentencePieceFile file)
    {
        while (reader.TryRead(out ProtobufField field))
        {
            switch (field.Number)
            {
                case 2:
                    file.CharacterMap = field.Type == WireType.Bytes ? field.Bytes.ToArray() : throw WrongType(field, path, "bytes");
                    break;
                case 3:
                    file.AddsDummyPrefix = Boolean(field, path);
                    break;
                case 4:
                    file.RemovesExtraSpaces = Boolean(field, path);
                    break;
                case 5:
                    file.EscapesSpaces = Boolean(field, path);
                    break;
            }
        }
    }

    private static void Check(SentencePieceFile file, string path)
    {
        if (file.Pieces.Count == 0)
            throw BadFileException.Expected(path, "the file", "a SentencePiece model with pieces", "none");
        if (file.Pieces.Count > ModelVocabulary.MaxTokenId + 1)
            throw BadFileException.Expected(path, "the file", $"at most {ModelVocabulary.MaxTokenId + 1} pieces", $"{file.Pieces.Count}");
        int unknownCount = file.Pieces.Count(p => p.Type == TokenType.Unknown);
        if (unknownCount != 1)
            throw BadFileException.Expected(path, "the file", "one piece of type unknown", $"{unknownCount}");
        bool[] hasByte = new bool[256];
        for (int id = 0; id < file.Pieces.Count; id++)
        {
            Piece piece = file.Pieces[id];
            if (piece.Text.Length > ScoredPieces.MaxPieceLength)
                throw BadFileException.Expected(path, $"piece {id}", $"at most {ScoredPieces.MaxPieceLength} characters", $"{piece.Text.Length}");
            if (piece.Type != TokenType.Byte)
                continue;
            if (!ByteTokens.TryParse(piece.Text, out byte value))
                throw BadFileException.Expected(path, $"piece {id}, a byte", "a name such as <0x41>", ModelVocabulary.Quote(piece.Text));
            hasByte[value] = true;
        }
        if (file.HasByteFallback && hasByte.Contains(false))
            throw BadFileException.Expected(path, "the pieces", "256 bytes, for byte_fallback is on", $"{hasByte.Count(b => b)}");
    }

    private static ProtobufReader Message(ProtobufField field, string path) => field.Type == WireType.Bytes
        ? new ProtobufReader(field.Bytes, path, field.Offset)
        : throw WrongType(field, path, "a message");

    private static string Text(ProtobufField field, string path, string what)
    {
        if (field.Type != WireType.Bytes)
            throw WrongType(field, path, "a string");
        try
        {
            return strictUtf8.GetString(field.Bytes);
        }
        catch (DecoderFallbackException)
        {
            throw BadFileException.Expected(path, what, "UTF-8", "other bytes");
        }
    }

    private static bool Boolean(ProtobufField field, string path) =>
        field.Type == WireType.Varint ? field.Value != 0 : throw WrongType(field, path, "true or false");

    private static int Integer(ProtobufField field, string path, string what, int least, int most)
    {
        if (field.Type != WireType.Varint)
            throw WrongType(field, path, "a number");
        return field.Value >= (ulong)least && field.Value <= (ulong)most
            ? (int)field.Value
            : throw BadFileException.Expected(path, what, $"a number from {least} to {most}", $"{field.Value}");
    }

    private static BadFileException WrongType(ProtobufField field, string path, string expected) =>
        BadFileException.Expected(path, $"field {field.Number} at byte {field.Offset}", expected, $"wire type {(int)field.Type}");

    // Lines of "base64 rank", as Llama 3 and Qwen publish beside their converted files.
    private static bool LooksLikeTiktoken(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOf((byte)'\n');
        int space = end < 0 ? -1 : bytes[..end].IndexOf((byte)' ');
        return space > 0 && end - space > 1
            && bytes[(space + 1)..end].TrimEnd((byte)'\r').IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0
            && System.Buffers.Text.Base64.IsValid(bytes[..space]);
    }
}
