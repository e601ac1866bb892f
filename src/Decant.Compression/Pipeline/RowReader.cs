using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Engine.Kernels;

namespace Decant.Compression.Pipeline;

/// <summary>Reads rows of tensors as single precision, by the engine's fast decoders where the stored bytes can be read in place. One a thread.</summary>
internal sealed class RowReader
{
    private RowDecoder? decoder;

    /// <summary>Reads rows.</summary>
    /// <param name="source">Any tensor; the same format again and again costs nothing.</param>
    /// <param name="firstRow">Zero-based.</param>
    /// <param name="rowCount">How many.</param>
    /// <param name="destination">Exactly as many elements as the rows have.</param>
    public void Read(TensorData source, long firstRow, int rowCount, Span<float> destination)
    {
        if (source.TryGetRows(firstRow, rowCount, out ReadOnlySpan<byte> stored))
            Decode(source.Info.Format, stored, destination);
        else
            source.ReadRows(firstRow, rowCount, destination);
    }

    /// <summary>Decodes stored rows.</summary>
    public void Decode(TensorFormat format, ReadOnlySpan<byte> stored, Span<float> destination)
    {
        if (decoder?.Format != format)
            decoder = RowDecoder.For(format);
        decoder.DecodeRows(stored, destination);
    }
}
