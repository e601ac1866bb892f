using System.Buffers.Binary;
using System.Text;

namespace Decant.Core.Tests.Tokenizers;

/// <summary>Writes small SentencePiece models.</summary>
internal static class SentencePieceBuilder
{
    /// <summary>A model of pieces (text, score, type) with the fields of its trainer_spec and normalizer_spec.</summary>
    public static byte[] Model((string Text, float Score, int Type)[] pieces, byte[] trainer, byte[] normalizer) =>
        [.. pieces.SelectMany(p => Field(1, Piece(p.Text, p.Score, p.Type))), .. Field(2, trainer), .. Field(3, normalizer)];

    /// <summary>One piece.</summary>
    public static byte[] Piece(string text, float score, int type)
    {
        byte[] number = new byte[5];
        number[0] = 2 << 3 | 5;
        BinaryPrimitives.WriteSingleLittleEndian(number.AsSpan(1), score);
        return [.. Field(1, Encoding.UTF8.GetBytes(text)), .. number, .. Number(3, (ulong)type)];
    }

    /// <summary>A field of bytes.</summary>
    public static byte[] Field(int number, byte[] bytes) => [.. Varint((ulong)number << 3 | 2), .. Varint((ulong)bytes.Length), .. bytes];

    /// <summary>A field that is a number.</summary>
    public static byte[] Number(int number, ulong value) => [.. Varint((ulong)number << 3), .. Varint(value)];

    /// <summary>A character map: units of the trie, then strings.</summary>
    public static byte[] Map(uint[] units, string strings)
    {
        byte[] bytes = new byte[sizeof(uint) * (units.Length + 1)];
        BinaryPrimitives.WriteUInt32LittleEndian(bytes, (uint)(sizeof(uint) * units.Length));
        for (int i = 0; i < units.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(sizeof(uint) * (i + 1)), units[i]);
        return [.. bytes, .. Encoding.UTF8.GetBytes(strings)];
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7)
            bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
