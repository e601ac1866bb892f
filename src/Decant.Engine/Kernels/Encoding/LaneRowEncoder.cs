using System.Runtime.CompilerServices;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>
/// Encodes as many rows at once as there are lanes: each lane takes one row, block after block. All lanes share the columns and
/// with them the importance weights, and a row's sum of squares is a sum in its own lane. Without importance weights nothing binds
/// a block to its row, so every block counts as a row: a single row then fills the lanes too. Rows in which a lane met something
/// its encoder does not vouch for are encoded again by the format's definition.
/// </summary>
internal sealed unsafe class LaneRowEncoder<T, TEncoder>(TensorFormat format, InstructionSet instructions) : RowEncoder(format, instructions)
    where T : unmanaged, ILanes<T>
    where TEncoder : struct, ILaneEncoder<T>
{
    public override int RowsAtOnce => T.Count;

    [SkipLocalsInit]
    private protected override void Encode(ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        if (importance.IsEmpty)
            rowLength = TEncoder.BlockLength;
        byte* memory = stackalloc byte[LaneMemory.TotalCount * sizeof(T) + LaneMemory.Alignment];
        float** lanes = stackalloc float*[T.Count];
        int rowCount = rows.Length / rowLength;
        int rowByteCount = rowLength / TEncoder.BlockLength * TEncoder.BlockByteCount;
        fixed (float* firstRow = rows, firstWeight = importance)
        fixed (byte* firstByte = destination)
        {
            for (int first = 0; first < rowCount; first += T.Count)
            {
                int used = Math.Min(T.Count, rowCount - first);
                for (int lane = 0; lane < T.Count; lane++)
                    lanes[lane] = firstRow + (long)(first + Math.Min(lane, used - 1)) * rowLength; // idle lanes repeat the last row
                uint sound = EncodeLanes(
                    LaneMemory.Align<T>(memory), lanes, used, rowLength, importance.IsEmpty ? null : firstWeight,
                    firstByte + (long)first * rowByteCount, rowByteCount);
                for (int lane = 0; lane < used; lane++)
                {
                    if ((sound >> lane & 1) == 0)
                        EncodeByDefinition(rows, rowLength, first + lane, importance, destination);
                }
            }
        }
    }

    /// <summary>Encodes one row per lane; returns a bit per lane, set where the bytes are right.</summary>
    private static uint EncodeLanes(
        T* memory, float** lanes, int used, int rowLength, float* importance, byte* destination, long rowByteCount)
    {
        T* values = memory, work = values + LaneMemory.ValueCount, bytes = work + LaneMemory.WorkCount;
        T* words = bytes + LaneMemory.ByteCount;
        byte* turned = (byte*)(words + LaneMemory.WordCount);
        // Squares of four words are turned at once; the surplus holds whatever an earlier block left there.
        int wordCount = (TEncoder.BlockByteCount + 15) / 16 * 4;
        T rowMeanSquare = importance != null && TEncoder.WeighsByRow ? MeanSquare(lanes, rowLength, values) : LaneMath<T>.Zero;
        T sound = T.FromBits(-1);
        for (int column = 0; column < rowLength; column += TEncoder.BlockLength)
        {
            LaneTranspose.RowsToLanes(lanes, column, TEncoder.BlockLength, T.Count, (float*)values);
            sound &= TEncoder.Encode(values, importance == null ? null : importance + column, rowMeanSquare, work, bytes);
            JoinBytes(bytes, wordCount, words);
            LaneTranspose.LanesToRows((float*)words, wordCount, T.Count, (float*)turned);
            for (int lane = 0; lane < used; lane++)
                Unsafe.CopyBlockUnaligned(destination + lane * rowByteCount, turned + lane * wordCount * 4, (uint)TEncoder.BlockByteCount);
            destination += TEncoder.BlockByteCount;
        }
        return T.MaskBits(sound);
    }

    private static T MeanSquare(float** lanes, int rowLength, T* values)
    {
        T sum = LaneMath<T>.Zero;
        for (int column = 0; column < rowLength; column += TEncoder.BlockLength)
        {
            LaneTranspose.RowsToLanes(lanes, column, TEncoder.BlockLength, T.Count, (float*)values);
            sum = LaneMath<T>.AddSquares(sum, values, TEncoder.BlockLength);
        }
        return sum / T.Create((float)rowLength);
    }

    private static void JoinBytes(T* bytes, int wordCount, T* words)
    {
        T mask = T.FromBits(0xff);
        for (int i = 0; i < wordCount; i++, bytes += 4)
            words[i] = bytes[0] & mask | (bytes[1] & mask) << 8 | (bytes[2] & mask) << 16 | bytes[3] << 24;
    }
}
