using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>
/// Writes one GGUF file of version 3. Keys and tensors keep the order given, values their types, so reading a file and writing it
/// gives its bytes back; padding is zero, also behind the last tensor, as llama.cpp does it.
/// </summary>
public sealed class GgufWriter : TensorWriter
{
    private readonly Stream output;
    private readonly GgufLayout layout;
    private long position;

    /// <summary>Prepares the header; nothing is written before the first tensor.</summary>
    /// <param name="output">The stream; stays open.</param>
    /// <param name="location">The file's path, for messages.</param>
    /// <param name="metadata">All keys; <c>general.alignment</c> is obeyed.</param>
    /// <param name="tensors">The tensors in file order.</param>
    /// <exception cref="NotSupportedModelException">A tensor that GGUF cannot hold: its name, rank or type.</exception>
    /// <exception cref="ArgumentException">Two tensors of one name, or a value of another .NET type than declared.</exception>
    /// <exception cref="BadFileException">An impossible alignment.</exception>
    public GgufWriter(Stream output, string location, GgufMetadata metadata, IReadOnlyList<TensorInfo> tensors)
        : base(location, tensors)
    {
        this.output = output;
        layout = new GgufLayout(metadata, tensors);
    }

    /// <summary>Where the tensor data starts.</summary>
    public long DataOffset => layout.DataOffset;

    /// <summary>The exact length of the finished file.</summary>
    public long ByteCount => layout.ByteCount;

    /// <summary>The exact length of the file these would make, without writing it.</summary>
    public static long FileByteCount(GgufMetadata metadata, IReadOnlyList<TensorInfo> tensors) => new GgufLayout(metadata, tensors).ByteCount;

    /// <inheritdoc/>
    protected override void StartTensor(int index)
    {
        if (position == 0)
            WriteHeader();
        PadTo(layout.Offset(index));
    }

    /// <inheritdoc/>
    protected override void WriteData(ReadOnlySpan<byte> bytes)
    {
        output.Write(bytes);
        position += bytes.Length;
    }

    /// <inheritdoc/>
    protected override void Finish()
    {
        if (position == 0)
            WriteHeader();
        PadTo(ByteCount);
        output.Flush();
    }

    private void WriteHeader()
    {
        WriteData(layout.Header.Span);
        PadTo(DataOffset);
    }

    private void PadTo(long target)
    {
        Span<byte> zeros = stackalloc byte[256];
        zeros.Clear();
        while (position < target)
            WriteData(zeros[..(int)Math.Min(zeros.Length, target - position)]);
    }
}
