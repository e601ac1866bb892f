using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>A tensor stored contiguously in a mapped file. Valid as long as the file is open.</summary>
public sealed class MappedTensor : TensorData
{
    /// <summary>Describes a tensor at an offset of a file.</summary>
    /// <param name="info">Name, shape and format.</param>
    /// <param name="file">The file.</param>
    /// <param name="offset">Where its first byte lies, from the start of the file.</param>
    /// <exception cref="BadFileException">The tensor leaves the file.</exception>
    public MappedTensor(TensorInfo info, MappedFile file, long offset)
        : base(info)
    {
        if (offset < 0 || offset > file.Length - info.ByteCount)
        {
            throw BadFileException.Expected(file.Path, $"tensor {info.Name}", $"{info.ByteCount} bytes at offset {offset}",
                $"a file of {file.Length} bytes", "The file is truncated or damaged.");
        }
        File = file;
        Offset = offset;
    }

    /// <summary>The file it lies in.</summary>
    public MappedFile File { get; }

    /// <summary>Where its first byte lies, from the start of <see cref="File"/>.</summary>
    public long Offset { get; }

    /// <summary>
    /// The address of the first byte, with all of the tensor's bytes behind it; valid until <see cref="File"/> is disposed, and not
    /// necessarily aligned to the element size.
    /// </summary>
    public nint Address => File.Address(Offset, Info.ByteCount);

    /// <summary>Stored bytes [<paramref name="first"/>, <paramref name="first"/> + <paramref name="length"/>) of the tensor, without a copy.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The range leaves the tensor.</exception>
    public ReadOnlySpan<byte> Bytes(long first, int length)
    {
        if (first < 0 || length < 0 || first > Info.ByteCount - length)
            throw new ArgumentOutOfRangeException(nameof(first), $"{Info.Name}: {length} bytes at {first} leave the tensor of {Info.ByteCount}.");
        return File.Slice(Offset + first, length);
    }

    /// <inheritdoc/>
    public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows)
    {
        if (firstRow < 0 || rowCount < 0 || firstRow > Info.Shape.RowCount - rowCount)
            throw new ArgumentOutOfRangeException(nameof(firstRow), $"{Info}: there are no {rowCount} rows from row {firstRow}.");
        long rowByteCount = Info.RowByteCount;
        if (rowByteCount * rowCount > int.MaxValue)
        {
            rows = default;
            return false;
        }
        rows = File.Slice(Offset + firstRow * rowByteCount, (int)(rowByteCount * rowCount));
        return true;
    }

    /// <inheritdoc/>
    public override void ReleaseRows(long firstRow, long rowCount) => File.ReleasePages(Offset + firstRow * Info.RowByteCount, rowCount * Info.RowByteCount);
}
