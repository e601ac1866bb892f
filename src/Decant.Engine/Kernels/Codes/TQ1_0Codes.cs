using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: base-3 fractions of five digits 0–47, of four digits 48–51, scale 52–53. Digit n of a fraction is what overflows 8 bits in 3ⁿ · byte · 3; parts 0–4 are digits 0–4 of bytes 0–31, parts 5–7 digits 0–4 of bytes 32–47 and then digits 0–3 of bytes 48–51.</summary>
internal readonly unsafe struct TQ1_0Codes : ICodeBlock
{
    public static string Format => "TQ1_0";

    public static int BlockLength => 256;

    public static int ByteCount => 54;

    public static int GroupLength => 256;

    public static bool HasOffsets => false;

    public static int Zero => 1;

    public static int LargestStored => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 52)];

    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte() - Vector256<sbyte>.One;

    public static Vector256<byte> ReadStored(byte* block, int part)
    {
        if (part < 5)
        {
            Vector256<byte> fractions = Vector256.Load(block) * Vector256.Create(PowerOfThree(part));
            return Vector256.Create(Digit(fractions.GetLower()), Digit(fractions.GetUpper()));
        }
        Vector128<byte> bytes = Vector128.Load(block + 32);
        int first = 2 * (part - 5);
        Vector128<byte> low = Digit(bytes * Vector128.Create(PowerOfThree(first)));
        if (part < 7)
            return Vector256.Create(low, Digit(bytes * Vector128.Create(PowerOfThree(first + 1))));
        Vector128<byte> last = Vector128.Create(Unsafe.ReadUnaligned<uint>(block + 48)).AsByte();
        return Vector256.Create(low, Digit(last * Vector128.Create(0x01010101u, 0x03030303u, 0x09090909u, 0x1b1b1b1bu).AsByte()));
    }

    private static byte PowerOfThree(int exponent) => (byte)(0x51_1b_09_03_01ul >> (8 * exponent));

    // (3 · byte) / 256 in 16 bits.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Digit(Vector128<byte> fractions)
    {
        (Vector128<ushort> low, Vector128<ushort> high) = Vector128.Widen(fractions);
        Vector128<ushort> three = Vector128.Create((ushort)3);
        return Vector128.Narrow(Vector128.ShiftRightLogical(low * three, 8), Vector128.ShiftRightLogical(high * three, 8));
    }
}
