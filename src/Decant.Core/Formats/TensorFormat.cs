namespace Decant.Core.Formats;

/// <summary>
/// How the elements of a tensor are stored. A row (the innermost dimension) is a whole number of blocks; a plain type such as
/// F32 is a block of one element. One subclass per format, in a file of its own, listed once in <see cref="TensorFormats"/>.
/// The code here is the scalar definition of the format; the engine's vectorised kernels are tested against it.
/// Formats hold no state, so one instance serves all threads.
/// </summary>
public abstract class TensorFormat
{
    /// <summary>The name as ggml spells it (<c>Q4_K</c>, <c>BF16</c>), or as safetensors does for types ggml lacks (<c>F8_E4M3</c>).</summary>
    public abstract string Name { get; }

    /// <summary>The number of this type in GGUF files (<c>enum ggml_type</c>), or null if GGUF has none.</summary>
    public virtual int? GgmlType => null;

    /// <summary>The dtype name in safetensors headers, or null if that container has none.</summary>
    public virtual string? SafetensorsType => null;

    /// <summary>Elements per block.</summary>
    public virtual int BlockLength => 1;

    /// <summary>Bytes per block.</summary>
    public abstract int BlockByteCount { get; }

    /// <summary>Average bits per element.</summary>
    public double BitsPerWeight => 8.0 * BlockByteCount / BlockLength;

    /// <summary>True for formats that store whole blocks with shared scales, false for plain element types.</summary>
    public bool IsBlockFormat => BlockLength > 1;

    /// <summary>True if <see cref="EncodeRow"/> is implemented.</summary>
    public virtual bool CanEncode => true;

    /// <summary>True if importance weights change the encoded bytes.</summary>
    public virtual bool UsesImportance => false;

    /// <summary>True if a row of this many elements can be stored: it must be a whole number of blocks.</summary>
    public bool CanHoldRow(long elementCount) => elementCount % BlockLength == 0;

    /// <summary>Bytes of a row of <paramref name="elementCount"/> elements.</summary>
    /// <exception cref="ArgumentException">The row is no whole number of blocks.</exception>
    public long RowByteCount(long elementCount)
    {
        if (!CanHoldRow(elementCount))
            throw new ArgumentException($"{Name} stores blocks of {BlockLength}; a row of {elementCount} is no whole number of them.", nameof(elementCount));
        return checked(elementCount / BlockLength * BlockByteCount);
    }

    /// <summary>Decodes whole blocks: <c>source.Length / BlockByteCount * BlockLength</c> elements into <paramref name="destination"/>.</summary>
    /// <param name="source">A whole number of blocks.</param>
    /// <param name="destination">Exactly as many elements as the blocks hold.</param>
    public abstract void DecodeRow(ReadOnlySpan<byte> source, Span<float> destination);

    /// <summary>
    /// Encodes one row. The bytes are those of llama.cpp (ggml) for the types it knows, with and without importance weights.
    /// The caller checks the row for NaN and infinity; a scale that overflows the format throws.
    /// </summary>
    /// <param name="source">The row's elements, a whole number of blocks.</param>
    /// <param name="importance">Empty, or one non-negative weight per element (mean square of the input column).</param>
    /// <param name="destination">Exactly <see cref="RowByteCount"/> bytes; every byte is written.</param>
    /// <exception cref="OverflowException">A finite row whose half-precision scale overflows.</exception>
    /// <exception cref="NotSupportedException">The format has no encoder.</exception>
    public virtual void EncodeRow(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination) =>
        throw new NotSupportedException($"{Name} can be read but not written.");

    /// <inheritdoc/>
    public sealed override string ToString() => Name;

    /// <summary>Checks the arguments of <see cref="DecodeRow"/>.</summary>
    protected void CheckDecode(ReadOnlySpan<byte> source, Span<float> destination)
    {
        if (source.Length % BlockByteCount != 0 || (long)source.Length / BlockByteCount * BlockLength != destination.Length)
            throw new ArgumentException($"{Name}: {source.Length} bytes do not hold {destination.Length} elements.");
    }

    /// <summary>Checks the arguments of <see cref="EncodeRow"/>.</summary>
    protected void CheckEncode(ReadOnlySpan<float> source, ReadOnlySpan<float> importance, Span<byte> destination)
    {
        if (destination.Length != RowByteCount(source.Length))
            throw new ArgumentException($"{Name}: {source.Length} elements need {RowByteCount(source.Length)} bytes, not {destination.Length}.");
        if (!importance.IsEmpty && importance.Length != source.Length)
            throw new ArgumentException($"{Name}: {importance.Length} importance weights for {source.Length} elements.");
    }
}
