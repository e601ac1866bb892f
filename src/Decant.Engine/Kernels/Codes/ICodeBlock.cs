using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Codes;

/// <summary>
/// A block format as kernels see it: whole-number codes of at most 8 bits in groups with a scale each, <c>x = scale · code + offset</c>, rounded
/// after the product and after the sum exactly as the format's definition rounds. One struct per format; the same struct serves decoding,
/// products in single precision and products in integers, at every vector width.
/// </summary>
internal unsafe interface ICodeBlock
{
    /// <summary>The most groups in a block.</summary>
    const int MaximumGroupCount = 16;

    /// <summary>The format, as ggml spells it.</summary>
    static abstract string Format { get; }

    /// <summary>Elements per block: 32 or 256.</summary>
    static abstract int BlockLength { get; }

    /// <summary>Bytes per block.</summary>
    static abstract int ByteCount { get; }

    /// <summary>Elements that share a scale: 16, 32, or the whole block.</summary>
    static abstract int GroupLength { get; }

    /// <summary>True if there are offsets.</summary>
    static abstract bool HasOffsets { get; }

    /// <summary>Elements that <see cref="ReadCodes"/> returns.</summary>
    const int PartLength = 32;

    /// <summary>The scale of a block that is one group.</summary>
    /// <param name="block">The block.</param>
    /// <param name="halves"><see cref="HalfTable.Values"/>.</param>
    static virtual float ReadScale(byte* block, float* halves) => throw new NotSupportedException("The block has several groups.");

    /// <summary>The offset of a block that is one group.</summary>
    static virtual float ReadOffset(byte* block, float* halves) => throw new NotSupportedException("The block has several groups, or no offset.");

    /// <summary>Reads the scales of a block's groups and, <see cref="MaximumGroupCount"/> further on, its offsets.</summary>
    /// <param name="block">The block.</param>
    /// <param name="halves"><see cref="HalfTable.Values"/>.</param>
    /// <param name="scales">Room for twice <see cref="MaximumGroupCount"/>.</param>
    static virtual void ReadScales(byte* block, float* halves, float* scales) => throw new NotSupportedException("The block is one group.");

    /// <summary>The codes of elements 32 · part to 32 · part + 31.</summary>
    static abstract Vector256<sbyte> ReadCodes(byte* block, int part);
}
