using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Vectors;

/// <summary>Vectors of one element: plain C#, on every processor.</summary>
internal readonly unsafe struct ScalarOps : IVectorOps<float>
{
    public static int Lanes => 1;

    public static bool HasManyRegisters => false;

    public static float Indices => 0;

    public static float Load(float* source) => *source;

    public static void Store(float* destination, float value) => *destination = value;

    public static float Create(float value) => value;

    public static float Add(float a, float b) => a + b;

    public static float Subtract(float a, float b) => a - b;

    public static float Multiply(float a, float b) => a * b;

    public static float Divide(float a, float b) => a / b;

    public static float MultiplyAdd(float a, float b, float c) => MathF.FusedMultiplyAdd(a, b, c);

    public static float Max(float a, float b) => a > b ? a : b;

    public static float Min(float a, float b) => a < b ? a : b;

    public static float Abs(float a) => MathF.Abs(a);

    public static float Round(float a) => MathF.Round(a);

    public static float Scale(float x, float n) => x * BitConverter.Int32BitsToSingle(((int)n + 127) << 23);

    public static float SwapPairs(float a) => throw new NotSupportedException("One lane has no neighbour.");

    public static float CopySign(float a, float b) => MathF.CopySign(a, b);

    public static float SelectLess(float less, float more, float whenTrue, float whenFalse) => less < more ? whenTrue : whenFalse;

    public static float Sum(float a) => a;

    public static Vector128<float> SumFour(float a, float b, float c, float d) => Vector128.Create(a, b, c, d);

    public static float MaxAcross(float a) => a;

    public static float MultiplyAddCodes(Vector256<sbyte> codes, int half, float* x, float sum)
    {
        for (int i = 0; i < 16; i++)
            sum = MathF.FusedMultiplyAdd(codes[16 * half + i], x[i], sum);
        return sum;
    }

    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float* target)
    {
        for (int i = 0; i < 16; i++)
            target[i] = codes[16 * half + i] * scale;
    }

    public static void StoreCodes(Vector256<sbyte> codes, int half, float scale, float offset, float* target)
    {
        for (int i = 0; i < 16; i++)
            target[i] = codes[16 * half + i] * scale + offset;
    }

    public static float LoadHalf(byte* source) => CodeBits.ReadHalf(source);

    public static float LoadFiniteHalf(byte* source) => LoadHalf(source);

    public static float LoadNormalHalf(byte* source) => LoadHalf(source);

    public static float FirstHalves(float pairs) => Lowered(BitConverter.SingleToUInt32Bits(pairs) & 0xffff);

    public static float SecondHalves(float pairs) => Lowered(BitConverter.SingleToUInt32Bits(pairs) >> 16);

    private static float Lowered(uint half) => (float)BitConverter.UInt16BitsToHalf((ushort)half) / (1 << PairedHalves.Exponent);

    public static float TrackHalves(byte* source, float largest) => 0;

    public static bool HasSpecialHalf(float largest) => false;

    public static float LoadSignedBytes(sbyte* source) => *source;

    public static float LoadNibbles(byte* source, int shift) => *source >> shift & 15;

    public static float LoadBrainFloat(byte* source) => BitConverter.Int32BitsToSingle(Unsafe.ReadUnaligned<short>(source) << 16);
}
