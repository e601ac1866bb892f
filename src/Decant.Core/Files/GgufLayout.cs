using Decant.Core.Errors;
using Decant.Core.Tensors;

namespace Decant.Core.Files;

/// <summary>Where everything stands in a GGUF file of version 3 before a byte of it is written: the header, each tensor's place, the length.</summary>
public sealed class GgufLayout
{
    private readonly long[] offsets;

    /// <summary>Lays out a file.</summary>
    /// <param name="metadata">All keys; <c>general.alignment</c> is obeyed.</param>
    /// <param name="tensors">The tensors in file order.</param>
    /// <exception cref="NotSupportedModelException">A tensor that GGUF cannot hold: its name, rank or type.</exception>
    /// <exception cref="ArgumentException">A value of another .NET type than declared.</exception>
    /// <exception cref="BadFileException">An impossible alignment.</exception>
    public GgufLayout(GgufMetadata metadata, IReadOnlyList<TensorInfo> tensors)
    {
        long alignment = GgufFile.ReadAlignment(metadata);
        (Header, offsets) = GgufHeaderWriter.Build(metadata, tensors, alignment);
        DataOffset = GgufFile.AlignUp(Header.Length, alignment);
        ByteCount = tensors.Count == 0 ? DataOffset : DataOffset + GgufFile.AlignUp(offsets[^1] + tensors[^1].ByteCount, alignment);
    }

    /// <summary>Everything before the data, without the padding behind it. All bytes that belong to no tensor and not to the header are zero.</summary>
    public ReadOnlyMemory<byte> Header { get; }

    /// <summary>Where the tensor data starts.</summary>
    public long DataOffset { get; }

    /// <summary>The exact length of the file.</summary>
    public long ByteCount { get; }

    /// <summary>Where a tensor starts, from the start of the file.</summary>
    /// <param name="index">Index in the list of tensors.</param>
    public long Offset(int index) => DataOffset + offsets[index];
}
