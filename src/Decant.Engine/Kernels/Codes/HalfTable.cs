using System.Runtime.InteropServices;

namespace Decant.Engine.Kernels.Codes;

/// <summary>
/// The 65,536 half-precision numbers in single precision. .NET has no instruction for the conversion; of the table only the few cache lines that a tensor's
/// scales fall into are touched, and a multiplication can take its factor straight from there.
/// </summary>
internal static unsafe class HalfTable
{
    /// <summary>Indexed by the 16 bits of a number. Read it once per row, not once per block.</summary>
    public static readonly float* Values = Create();

    private static float* Create()
    {
        var values = (float*)NativeMemory.AlignedAlloc((1 << 16) * sizeof(float), AlignedBuffer.Alignment);
        for (int bits = 0; bits < 1 << 16; bits++)
            values[bits] = (float)BitConverter.UInt16BitsToHalf((ushort)bits);
        return values;
    }
}
