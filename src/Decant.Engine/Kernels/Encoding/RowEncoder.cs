using Decant.Core.Errors;
using Decant.Core.Formats;

namespace Decant.Engine.Kernels.Encoding;

/// <summary>
/// Encodes rows of single-precision numbers in one storage format, as fast as the processor allows; the bytes are those of
/// <see cref="TensorFormat.EncodeRow"/>, whichever encoder is chosen. Encoders hold no state: one serves all threads.
/// </summary>
public abstract class RowEncoder
{
    private readonly InstructionSet instructions;

    private protected RowEncoder(TensorFormat format, InstructionSet instructions)
    {
        Format = format;
        this.instructions = instructions;
        Name = $"{instructions.Name}-{format.Name.ToLowerInvariant()}";
    }

    /// <summary>Instruction set and format, as in <c>avx512-q4_k</c>.</summary>
    public string Name { get; }

    /// <summary>What the rows are stored as.</summary>
    public TensorFormat Format { get; }

    /// <summary>The needed instructions.</summary>
    internal InstructionSet Instructions => instructions;

    /// <summary>The first encoder of the list for a format that the processor (or a named level) allows.</summary>
    /// <param name="format">A format with an encoder.</param>
    /// <param name="level">Null for the best, or the name of an instruction set: <c>avx512</c>, <c>avx2</c>, <c>vector128</c>, <c>scalar</c>.</param>
    /// <exception cref="NotSupportedException">The format can only be read.</exception>
    /// <exception cref="UsageException">There is no such level, or the processor lacks it.</exception>
    public static RowEncoder For(TensorFormat format, string? level = null)
    {
        if (!format.CanEncode)
            throw new NotSupportedException($"{format.Name} can be read but not written.");
        InstructionSet allowed = InstructionSet.Find(level);
        InstructionSet[] sets = [.. InstructionSet.All.SkipWhile(set => set != allowed).Where(set => set.IsSupported)];
        return RowEncoders.Choose(format, sets);
    }

    /// <summary>Encodes whole rows that lie one after another.</summary>
    /// <param name="rows">A whole number of rows; the caller has checked them for NaN and infinity (<see cref="RowCheck"/>).</param>
    /// <param name="rowLength">Elements per row, a whole number of blocks.</param>
    /// <param name="importance">Empty, or one non-negative weight per column.</param>
    /// <param name="destination">Exactly the bytes of the encoded rows; every byte is written.</param>
    /// <exception cref="ArgumentException">A length does not fit.</exception>
    /// <exception cref="OverflowException">A finite row whose half-precision scale overflows; the bytes written are then undefined.</exception>
    public void EncodeRows(ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rowLength);
        long rowByteCount = Format.RowByteCount(rowLength);
        if (rows.Length % rowLength != 0)
            throw new ArgumentException($"{rows.Length} elements are no whole number of rows of {rowLength}.", nameof(rows));
        if (rows.Length / rowLength * rowByteCount != destination.Length)
            throw new ArgumentException($"{rows.Length / rowLength} rows need {rows.Length / rowLength * rowByteCount} bytes, not {destination.Length}.", nameof(destination));
        if (!importance.IsEmpty && importance.Length != rowLength)
            throw new ArgumentException($"{importance.Length} importance weights for rows of {rowLength}.", nameof(importance));
        Encode(rows, rowLength, Format.UsesImportance ? importance : default, destination);
    }

    /// <summary><see cref="EncodeRows"/> with checked arguments; importance is empty where the format does not use it.</summary>
    private protected abstract void Encode(ReadOnlySpan<float> rows, int rowLength, ReadOnlySpan<float> importance, Span<byte> destination);

    /// <summary>Encodes one row by the format's definition.</summary>
    private protected void EncodeByDefinition(
        ReadOnlySpan<float> rows, int rowLength, int row, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        int rowByteCount = (int)Format.RowByteCount(rowLength);
        Format.EncodeRow(rows.Slice(row * rowLength, rowLength), importance, destination.Slice(row * rowByteCount, rowByteCount));
    }
}
