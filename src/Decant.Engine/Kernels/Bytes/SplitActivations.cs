using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Bytes;

// A block of a token, in 32-bit words: its groups of 32 columns (one, or eight in a long block), then
//
//   scale        single precision
//
// A group:
//
//   low    [8]   a − 16 · h of four columns each, −8 to 7
//   high   [8]   h = ⌊(a + 8) / 16⌋ of four columns each, −8 to 8
//   start        codes are read with 128 added: −128 · Σ a; in a long block −8 · Σ a as 16 bits, which a group's scale meets times 16

/// <summary>
/// Activations of 8 bits split in two parts so small that their products with unsigned codes of 8 bits can be summed in 16 bits: in a group of 32 a lane
/// adds 16 products of at most 255 · 8 = 2,040.
/// </summary>
internal sealed unsafe class SplitActivations : IDisposable
{
    /// <summary>Words of a group.</summary>
    public const int GroupWordCount = 17;

    private AlignedBuffer? words;

    /// <summary>Words between tokens.</summary>
    public int TokenWordCount { get; private set; }

    /// <summary>The words of a token's first block.</summary>
    public int* Token(int token) => (int*)words!.Pointer + (long)token * TokenWordCount;

    /// <summary>Splits rounded activations.</summary>
    public void Fill(ByteActivations activations, int tokenCount, int columnCount)
    {
        int groupCount = activations.BlockLength / 32, blockCount = columnCount / activations.BlockLength;
        TokenWordCount = blockCount * (groupCount * GroupWordCount + 1);
        AlignedBuffer.Reserve(ref words, (long)tokenCount * TokenWordCount * sizeof(int));
        for (int token = 0; token < tokenCount; token++)
        {
            sbyte* codes = activations.Codes(token);
            float* scales = activations.Scales(token);
            int* to = Token(token);
            for (int block = 0; block < blockCount; block++)
            {
                for (int group = 0; group < groupCount; group++)
                {
                    int sum = FillGroup(codes, to);
                    to[16] = groupCount == 1 ? -128 * sum : (ushort)(-8 * sum);
                    codes += 32;
                    to += GroupWordCount;
                }
                *(float*)to++ = scales[block];
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => words?.Dispose();

    // Returns the sum of the activations.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static int FillGroup(sbyte* codes, int* to)
    {
        (Vector256<short> first, Vector256<short> second) = Vector256.Widen(Vector256.Load(codes));
        Vector256<short> firstHigh = Vector256.ShiftRightArithmetic(first + Vector256.Create((short)8), 4);
        Vector256<short> secondHigh = Vector256.ShiftRightArithmetic(second + Vector256.Create((short)8), 4);
        Vector256.Narrow(first - Vector256.ShiftLeft(firstHigh, 4), second - Vector256.ShiftLeft(secondHigh, 4)).Store((sbyte*)to);
        Vector256.Narrow(firstHigh, secondHigh).Store((sbyte*)(to + 8));
        return Vector256.Sum(first + second);
    }
}
