using System.Buffers;
using System.Runtime.CompilerServices;
using Decant.Core.Formats;
using Decant.Engine.Kernels.Encoding.Lanes;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>
/// Encodes as many blocks at once as there are lanes, taking them as they lie in memory, from one row or several. Blocks in which
/// a lane met something its encoder does not vouch for are encoded again by the format's definition.
/// </summary>
internal sealed unsafe class LaneRowEncoder<T, TEncoder>(TensorFormat format, InstructionSet instructions) : RowEncoder(format, instructions)
    where T : unmanaged, ILanes<T>
    where TEncoder : struct, ILaneEncoder<T>
{
    [SkipLocalsInit]
    private protected override void Encode(ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        byte* memory = stackalloc byte[LaneMemory.TotalCount * sizeof(T) + LaneMemory.Alignment];
        int blocksPerRow = rowLength / TEncoder.BlockLength;
        int blockCount = rows.Length / TEncoder.BlockLength;
        bool weighsByRow = TEncoder.WeighsByRow && !importance.IsEmpty;
        float[] meanSquares = weighsByRow ? ArrayPool<float>.Shared.Rent(rows.Length / rowLength) : [];
        fixed (float* firstValue = rows, firstWeight = importance, meanSquare = meanSquares)
        fixed (byte* firstByte = destination)
        {
            var batch = new Batch(LaneMemory.Align<T>(memory), firstValue, importance.IsEmpty ? null : firstWeight, blocksPerRow, firstByte);
            if (weighsByRow)
                MeanSquares(batch.Memory, firstValue, rowLength, rows.Length / rowLength, meanSquare);
            for (int first = 0; first < blockCount; first += T.Count)
            {
                int used = Math.Min(T.Count, blockCount - first);
                uint sound = EncodeLanes(batch, first, used, weighsByRow ? meanSquare : null);
                for (int lane = 0; lane < used; lane++)
                {
                    if ((sound >> lane & 1) == 0)
                        EncodeByDefinition(rows, rowLength, importance, first + lane, destination);
                }
            }
        }
        if (weighsByRow)
            ArrayPool<float>.Shared.Return(meanSquares);
    }

    /// <summary>A block by itself; or its whole row, where the row decides the weights.</summary>
    private void EncodeByDefinition(ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> importance, int block, Span<byte> destination)
    {
        if (TEncoder.WeighsByRow && !importance.IsEmpty)
        {
            EncodeByDefinition(rows, rowLength, block / (rowLength / TEncoder.BlockLength), importance, destination);
            return;
        }
        int column = block % (rowLength / TEncoder.BlockLength) * TEncoder.BlockLength;
        Format.EncodeRow(
            rows.Slice(block * TEncoder.BlockLength, TEncoder.BlockLength),
            importance.IsEmpty ? default : importance.Slice(column, TEncoder.BlockLength),
            destination.Slice(block * TEncoder.BlockByteCount, TEncoder.BlockByteCount));
    }

    /// <summary>Encodes one block per lane; returns a bit per lane, set where the bytes are right.</summary>
    private static uint EncodeLanes(in Batch batch, int first, int used, float* meanSquares)
    {
        T* values = batch.Memory, weights = values + LaneMemory.ValueCount, work = weights + LaneMemory.ValueCount;
        T* bytes = work + LaneMemory.WorkCount, words = bytes + LaneMemory.ByteCount;
        byte* turned = (byte*)(words + LaneMemory.WordCount);
        float** blocks = stackalloc float*[T.Count];
        for (int lane = 0; lane < T.Count; lane++)
            blocks[lane] = batch.Values + (long)(first + Math.Min(lane, used - 1)) * TEncoder.BlockLength; // idle lanes repeat the last block
        LaneTranspose.RowsToLanes(blocks, 0, TEncoder.BlockLength, T.Count, (float*)values);

        T rowMeanSquare = LaneMath<T>.Zero;
        if (batch.Importance != null)
        {
            float* laneMeanSquares = stackalloc float[T.Count];
            for (int lane = 0; lane < T.Count; lane++)
            {
                (int row, int column) = Math.DivRem(first + Math.Min(lane, used - 1), batch.BlocksPerRow);
                blocks[lane] = batch.Importance + (long)column * TEncoder.BlockLength;
                laneMeanSquares[lane] = meanSquares == null ? 0 : meanSquares[row];
            }
            LaneTranspose.RowsToLanes(blocks, 0, TEncoder.BlockLength, T.Count, (float*)weights);
            rowMeanSquare = *(T*)laneMeanSquares;
        }

        T sound = TEncoder.Encode(values, batch.Importance == null ? null : weights, rowMeanSquare, work, bytes);

        // Squares of four words are turned at once; the surplus holds whatever an earlier block left there.
        int wordCount = (TEncoder.BlockByteCount + 15) / 16 * 4;
        JoinBytes(bytes, wordCount, words);
        LaneTranspose.LanesToRows((float*)words, wordCount, T.Count, (float*)turned);
        byte* destination = batch.Destination + (long)first * TEncoder.BlockByteCount;
        for (int lane = 0; lane < used; lane++)
            Unsafe.CopyBlockUnaligned(destination + lane * TEncoder.BlockByteCount, turned + lane * wordCount * 4, (uint)TEncoder.BlockByteCount);
        return T.MaskBits(sound);
    }

    /// <summary>Mean of the squares of each row: the sum runs along the row in order, so rows share the lanes.</summary>
    private static void MeanSquares(T* values, float* rows, int rowLength, int rowCount, float* meanSquares)
    {
        float** lanes = stackalloc float*[T.Count];
        for (int first = 0; first < rowCount; first += T.Count)
        {
            int used = Math.Min(T.Count, rowCount - first);
            for (int lane = 0; lane < T.Count; lane++)
                lanes[lane] = rows + (long)(first + Math.Min(lane, used - 1)) * rowLength;
            T sum = LaneMath<T>.Zero;
            for (int column = 0; column < rowLength; column += TEncoder.BlockLength)
            {
                LaneTranspose.RowsToLanes(lanes, column, TEncoder.BlockLength, T.Count, (float*)values);
                sum = LaneMath<T>.AddSquares(sum, values, TEncoder.BlockLength);
            }
            T mean = sum / T.Create((float)rowLength);
            for (int lane = 0; lane < used; lane++)
                meanSquares[first + lane] = ((float*)&mean)[lane];
        }
    }

    private static void JoinBytes(T* bytes, int wordCount, T* words)
    {
        T mask = T.FromBits(0xff);
        for (int i = 0; i < wordCount; i++, bytes += 4)
            words[i] = bytes[0] & mask | (bytes[1] & mask) << 8 | (bytes[2] & mask) << 16 | bytes[3] << 24;
    }

    /// <summary>What stays the same from one set of blocks to the next.</summary>
    private readonly struct Batch(T* memory, float* values, float* importance, int blocksPerRow, byte* destination)
    {
        public readonly T* Memory = memory;
        public readonly float* Values = values;
        public readonly float* Importance = importance;
        public readonly int BlocksPerRow = blocksPerRow;
        public readonly byte* Destination = destination;
    }
}
