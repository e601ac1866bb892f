using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Pipeline;

/// <summary>Where a tensor goes.</summary>
/// <param name="File">The file.</param>
/// <param name="Offset">Its first byte, from the start of the file.</param>
internal readonly record struct TensorPlace(ResumableFile File, long Offset);

/// <summary>Puts converted tensors at their places and notes finished ones in the journal.</summary>
internal sealed class OutputSink(IReadOnlyList<TensorPlace> places, ConversionJournal journal) : IConversionSink
{
    private const int CheckByteCount = 1 << 20;

    /// <inheritdoc/>
    public void Write(int tensorIndex, long offset, ReadOnlySpan<byte> bytes) => places[tensorIndex].File.Write(places[tensorIndex].Offset + offset, bytes);

    /// <inheritdoc/>
    public void Finish(int tensorIndex, uint checksum) => journal.Append(tensorIndex, checksum);

    /// <summary>
    /// Which tensors an earlier run finished: those in its journal whose bytes are there. A process that was killed leaves both; after a loss
    /// of power either may be missing.
    /// </summary>
    public bool[] FindFinished(IReadOnlyList<TensorConversion> conversions, CancellationToken cancellationToken)
    {
        bool[] finished = new bool[conversions.Count];
        byte[] buffer = [];
        for (int i = 0; i < finished.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (!places[i].File.IsNew && journal.Finished.TryGetValue(i, out uint expected))
                finished[i] = Checksum(i, conversions[i], ref buffer) == expected;
        }
        return finished;
    }

    private uint Checksum(int tensorIndex, TensorConversion conversion, ref byte[] buffer)
    {
        TensorShape shape = conversion.Source.Info.Shape;
        long rowByteCount = conversion.TargetInfo.RowByteCount;
        uint[] checksums = new uint[RowChunk.Count(shape)];
        for (int i = 0; i < checksums.Length; i++)
        {
            RowChunk chunk = RowChunk.Of(shape, tensorIndex, i);
            int byteCount = checked((int)(chunk.RowCount * rowByteCount));
            if (buffer.Length < byteCount)
                buffer = new byte[Math.Max(byteCount, CheckByteCount)];
            places[tensorIndex].File.Read(places[tensorIndex].Offset + chunk.FirstRow * rowByteCount, buffer.AsSpan(0, byteCount));
            checksums[i] = ChunkChecksum.Of(buffer.AsSpan(0, byteCount));
        }
        return ChunkChecksum.Combine(checksums);
    }
}
