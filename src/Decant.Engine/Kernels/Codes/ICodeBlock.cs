using System.Runtime.Intrinsics;
using Decant.Engine.Kernels.Bytes;

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

    /// <summary>What is subtracted from a stored code; signed codes are stored with 128 added.</summary>
    static abstract int Zero { get; }

    /// <summary>The largest stored code that is possible.</summary>
    static abstract int LargestStored { get; }

    /// <summary>The block's scale; where its groups have whole-number scales of their own, the factor of those.</summary>
    /// <param name="block">The block.</param>
    /// <param name="halves"><see cref="HalfTable.Values"/>.</param>
    static abstract float ReadScale(byte* block, float* halves);

    /// <summary>The factor of the groups' whole-number minima, which are subtracted.</summary>
    static virtual float ReadMinimumScale(byte* block, float* halves) => throw new NotSupportedException("The block has no minima.");

    /// <summary>
    /// The groups' whole-number scales, by parts: lane p of the lower half belongs to the first 16 elements of part p, lane p of the upper half to the
    /// other 16.
    /// </summary>
    static virtual Vector256<short> ReadIntegerScales(byte* block) => Vector256<short>.One;

    /// <summary>The groups' whole-number minima, laid out as <see cref="ReadIntegerScales"/>.</summary>
    static virtual Vector256<short> ReadIntegerMinima(byte* block) => throw new NotSupportedException("The block has no minima.");

    /// <summary>The offset of a block that is one group.</summary>
    static virtual float ReadOffset(byte* block, float* halves) => throw new NotSupportedException("The block has several groups, or no offset.");

    /// <summary>Reads the scales of a block's groups and, <see cref="MaximumGroupCount"/> further on, its offsets.</summary>
    /// <param name="block">The block.</param>
    /// <param name="halves"><see cref="HalfTable.Values"/>.</param>
    /// <param name="scales">Room for twice <see cref="MaximumGroupCount"/>.</param>
    static virtual void ReadScales(byte* block, float* halves, float* scales) => throw new NotSupportedException("The block is one group.");

    /// <summary>The codes of elements 32 · part to 32 · part + 31.</summary>
    static abstract Vector256<sbyte> ReadCodes(byte* block, int part);

    /// <summary>Two blocks of 32 in one read: the first halves' unsigned codes side by side, and the second halves'.</summary>
    static virtual void ReadStoredPair(byte* block, out Vector256<byte> first, out Vector256<byte> second) =>
        throw new NotSupportedException("Only blocks of 32 with unsigned codes are read in pairs.");

    /// <summary>True if <see cref="UnpackLanes"/> can be used.</summary>
    static virtual bool HasLanes => false;

    /// <summary>
    /// Unpacks the unsigned codes of one block of as many rows as a vector has 32-bit lanes, a row a lane: words of rows are transposed first and taken apart
    /// then, all rows at once.
    /// </summary>
    /// <param name="block">The first row's block.</param>
    /// <param name="stride">Bytes between rows.</param>
    /// <param name="target">Receives a vector for every four columns, in order: lane r has the codes of row r.</param>
    /// <param name="targetStride">32-bit words between vectors of the target.</param>
    static virtual void UnpackLanes<TBytes, TOps>(byte* block, long stride, int* target, int targetStride)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> => throw new NotSupportedException("The format has no such form.");

    /// <summary>The same codes unsigned, <see cref="Zero"/> not yet subtracted.</summary>
    static abstract Vector256<byte> ReadStored(byte* block, int part);
}
