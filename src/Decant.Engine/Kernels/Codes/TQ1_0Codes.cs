using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

namespace Decant.Engine.Kernels.Codes;

/// <summary>Bytes: base-3 fractions of five digits 0–47, of four digits 48–51, scale 52–53. Digit n of a fraction is what overflows 8 bits in 3ⁿ · byte · 3; parts 0–4 are digits 0–4 of bytes 0–31, parts 5–7 digits 0–4 of bytes 32–47 and then digits 0–3 of bytes 48–51.</summary>
internal readonly unsafe struct TQ1_0Codes : ICodeBlock
{
    public static string Format => "TQ1_0";

    public static int BlockLength => 256;

    public static int ByteCount => 54;

    public static int GroupLength => 256;

    public static bool HasOffsets => false;

    public static int HalvesOffset => 52;

    public static int Zero => 1;

    public static int LargestStored => 2;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static float ReadScale(byte* block, float* halves) => halves[Unsafe.ReadUnaligned<ushort>(block + 52)];

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<sbyte> ReadCodes(byte* block, int part) => ReadStored(block, part).AsSByte() - Vector256<sbyte>.One;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte> ReadStored(byte* block, int part)
    {
        if (part < 5)
            return Digits(NextDigits(Vector256.Load(block), part));
        Vector128<byte> bytes = Vector128.Load(block + 32);
        int first = 2 * (part - 5);
        Vector128<byte> next = part < 7 ? NextDigits(bytes, first + 1) : LastDigits(block + 48);
        return Digits(Vector256.Create(NextDigits(bytes, first), next));
    }

    // 3ⁿ times every byte without what overflows. The number of digits is a constant wherever this is inlined.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> NextDigits(Vector256<byte> fractions, int count)
    {
        if (count > 0)
            fractions += fractions + fractions;
        if (count > 1)
            fractions += fractions + fractions;
        if (count > 2)
            fractions += fractions + fractions;
        if (count > 3)
            fractions += fractions + fractions;
        return fractions;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> NextDigits(Vector128<byte> fractions, int count) => NextDigits(fractions.ToVector256Unsafe(), count).GetLower();

    // Digits 0 to 3 of four bytes: 1, 3, 9 and 27 times them.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> LastDigits(byte* source)
    {
        Vector128<byte> fractions = Vector128.Create(Unsafe.ReadUnaligned<uint>(source)).AsByte();
        fractions += (fractions + fractions) & Vector128.Create(0, uint.MaxValue, uint.MaxValue, uint.MaxValue).AsByte();
        fractions += (fractions + fractions) & Vector128.Create(0, 0, uint.MaxValue, uint.MaxValue).AsByte();
        return fractions + ((fractions + fractions) & Vector128.Create(0, 0, 0, uint.MaxValue).AsByte());
    }

    // 3 · byte / 256: a comparison is -1 in every byte where it is true.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<byte> Digits(Vector256<byte> fractions) =>
        Vector256<byte>.Zero - Vector256.GreaterThan(fractions, Vector256.Create((byte)85)) - Vector256.GreaterThan(fractions, Vector256.Create((byte)170));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        if (half == 0)
            return Digit<TBytes, TOps>(words, step, part);
        if (part == 0)
            return Digit<TBytes, TOps>(words, step, 4);
        int digit = 2 * (part - 1) + step / 4;
        return digit < 5 ? Digit<TBytes, TOps>(words, 8 + step % 4, digit) : Digit<TBytes, TOps>(words, 12, step % 4);
    }

    // A digit of the four fractions of a word; which one is a constant wherever this is inlined.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Digit<TBytes, TOps>(int* words, int index, int digit)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
        TBytes fractions = LaneCodes<TBytes, TOps>.Word(words, index);
        if (digit > 0)
            fractions = TOps.Triple(fractions);
        if (digit > 1)
            fractions = TOps.Triple(fractions);
        if (digit > 2)
            fractions = TOps.Triple(fractions);
        if (digit > 3)
            fractions = TOps.Triple(fractions);
        return TOps.ThirdsPassed(fractions);
    }
}
