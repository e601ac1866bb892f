using System.Buffers;
using Decant.Core.Errors;
using Decant.Core.Formats;

namespace Decant.Core.Tensors;

/// <summary>
/// Another tensor stored in another plain format (F32, F16, BF16), converted as it is read; equal formats pass bit for bit. Rounds
/// to nearest even. A finite value outside the format's range, which F16 has, is an error.
/// </summary>
internal sealed class RecodedTensor : TensorData
{
    private readonly TensorData source;

    private RecodedTensor(string name, TensorData source, TensorFormat format)
        : base(new TensorInfo(name, source.Info.Shape, format)) => this.source = source;

    /// <summary>The tensor under another name and in another format; itself renamed if the format is the same.</summary>
    public static TensorData Create(string name, TensorData source, TensorFormat format)
    {
        if (source.Info.Format != format)
            return new RecodedTensor(name, source, format);
        return source.Info.Name == name ? source : new RowSelectionTensor(name, source.Info.Shape, source, 0);
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        rows = default;
        return false;
    }

    /// <inheritdoc/>
    public override void CopyRows(long firstRow, int rowCount, Span<byte> destination)
    {
        int rowLength = checked((int)Info.Shape.RowLength);
        int rowByteCount = checked((int)Info.RowByteCount);
        float[] rented = ArrayPool<float>.Shared.Rent(Math.Max(rowLength, 1));
        Span<float> values = rented.AsSpan(0, rowLength);
        for (int row = 0; row < rowCount; row++)
        {
            Span<byte> target = destination.Slice(row * rowByteCount, rowByteCount);
            source.ReadRows(firstRow + row, 1, values);
            try
            {
                Info.Format.EncodeRow(values, default, target);
            }
            catch (OverflowException error)
            {
                throw new NumericalException($"{source.Info}: row {firstRow + row}: {error.Message} Use BF16 or F32.", error);
            }
        }
        ArrayPool<float>.Shared.Return(rented);
    }
}
