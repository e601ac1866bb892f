using System.Runtime.CompilerServices;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>Rounds single precision to sixteen bits, on lanes.</summary>
/// <typeparam name="T">The lanes.</typeparam>
internal interface IHalfRounding<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>The sixteen bits, and the lanes in which they are right: not those that overflow or hold NaN.</summary>
    static abstract T Round(T value, out T sound);
}

/// <summary>IEEE half precision.</summary>
internal readonly struct F16Rounding<T> : IHalfRounding<T>
    where T : unmanaged, ILanes<T>
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round(T value, out T sound)
    {
        sound = LaneHalf<T>.IsStorable(value);
        return LaneHalf<T>.Round(value);
    }
}

/// <summary>The upper half of single precision, rounded to nearest even.</summary>
internal readonly struct BF16Rounding<T> : IHalfRounding<T>
    where T : unmanaged, ILanes<T>
{
    /// <summary>Halfway between the largest bfloat16 and the next one.</summary>
    private const int FirstOverflow = 0x7f7f8000;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Round(T value, out T sound)
    {
        sound = T.Abs(value) < T.FromBits(FirstOverflow);
        T odd = value >>> 16 & T.FromBits(1);
        return T.AddIntegers(value, T.AddIntegers(odd, T.FromBits(0x7fff))) >>> 16;
    }
}

/// <summary>Encodes the sixteen-bit types, element by element.</summary>
internal sealed unsafe class HalfRowEncoder<T, TRounding>(TensorFormat format, InstructionSet instructions) : RowEncoder(format, instructions)
    where T : unmanaged, ILanes<T>
    where TRounding : struct, IHalfRounding<T>
{
    private protected override void Encode(ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        if (!TryEncode(rows, destination))
        {
            for (int row = 0; row * rowLength < rows.Length; row++)
                EncodeByDefinition(rows, rowLength, row, importance, destination);
        }
    }

    private static bool TryEncode(ReadOnlySpan<float> values, Span<byte> destination)
    {
        if (values.Length < T.Count)
            return false;
        T sound = T.FromBits(-1);
        fixed (float* from = values)
        fixed (byte* to = destination)
        {
            for (int i = 0; i < values.Length; i += T.Count)
            {
                int at = Math.Min(i, values.Length - T.Count); // the last vector overlaps the one before
                T bits = TRounding.Round(*(T*)(from + at), out T right);
                sound &= right;
                T.StoreLower16(bits, (ushort*)to + at);
            }
        }
        return ~T.MaskBits(sound) << (32 - T.Count) == 0;
    }
}
