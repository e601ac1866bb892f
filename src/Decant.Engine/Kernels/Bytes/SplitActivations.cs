using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Bytes;

// A block of 32 columns of a token, in 32-bit words:
//
//   low    [8]   a − 16 · h of four columns each, −8 to 7
//   high   [8]   h = ⌊(a + 8) / 16⌋ of four columns each, −8 to 8
//   start        −128 · Σ a: codes are read with 128 added
//   scale        single precision

/// <summary>
/// Activations of 8 bits, blocks of 32, split in two parts so small that their products with unsigned codes of 8 bits can be summed in 16 bits: a lane
/// adds 16 products of at most 255 · 8 = 2,040.
/// </summary>
internal sealed unsafe class SplitActivations : IDisposable
{
    /// <summary>Words of a block.</summary>
    public const int BlockWordCount = 18;

    private AlignedBuffer? words;

    /// <summary>Words between tokens.</summary>
    public int TokenWordCount { get; private set; }

    /// <summary>The words of a token's first block.</summary>
    public int* Token(int token) => (int*)words!.Pointer + (long)token * TokenWordCount;

    /// <summary>Splits rounded activations.</summary>
    public void Fill(ByteActivations activations, int tokenCount, int columnCount)
    {
        TokenWordCount = columnCount / 32 * BlockWordCount;
        AlignedBuffer.Reserve(ref words, (long)tokenCount * TokenWordCount * sizeof(int));
        for (int token = 0; token < tokenCount; token++)
        {
            sbyte* codes = activations.Codes(token);
            float* scales = activations.Scales(token);
            int* to = Token(token);
            for (int block = 0; block < columnCount / 32; block++)
            {
                FillBlock(codes + 32 * block, scales[block], to);
                to += BlockWordCount;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => words?.Dispose();

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void FillBlock(sbyte* codes, float scale, int* to)
    {
        (Vector256<short> first, Vector256<short> second) = Vector256.Widen(Vector256.Load(codes));
        Vector256<short> firstHigh = Vector256.ShiftRightArithmetic(first + Vector256.Create((short)8), 4);
        Vector256<short> secondHigh = Vector256.ShiftRightArithmetic(second + Vector256.Create((short)8), 4);
        Vector256.Narrow(first - Vector256.ShiftLeft(firstHigh, 4), second - Vector256.ShiftLeft(secondHigh, 4)).Store((sbyte*)to);
        Vector256.Narrow(firstHigh, secondHigh).Store((sbyte*)(to + 8));
        to[16] = -128 * Vector256.Sum(first + second);
        ((float*)to)[17] = scale;
    }
}
