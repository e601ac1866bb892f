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

    /// <summary>True if the scale is one byte, the exponent e of 2^(e − 128), in the place of numbers of 16 bits.</summary>
    static virtual bool HasByteScale => false;

    /// <summary>Numbers of 16 bits that a block has beside its words and that are kept apart when rows lie side by side: its half-precision scale; with offsets or minima, those or their scale; whatever else makes no whole word.</summary>
    static virtual int HalfCount => 1;

    /// <summary>Where a block's numbers of 16 bits lie: at its start (0) or behind the words.</summary>
    static virtual int HalvesOffset => 0;

    /// <summary>Arranges the words of rows just brought side by side so that <see cref="ReadLanes"/> has less to do; most formats have nothing to arrange.</summary>
    /// <param name="words">The words of one block of as many rows as a vector has lanes.</param>
    /// <param name="halves">The numbers of 16 bits of that block.</param>
    static virtual void ArrangeLanes<TBytes, TOps>(int* words, ushort* halves)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
    {
    }

    /// <summary>
    /// Rows side by side, a row a vector lane: a block's whole 32-bit words lie transposed, word i of every row, then word i + 1. This reads the unsigned codes of
    /// columns 128 · half + 32 · part + 4 · step to + 3, <see cref="Zero"/> not yet subtracted.
    /// </summary>
    /// <param name="words">The words of one block of as many rows as a vector has lanes.</param>
    /// <param name="half">0 or 1.</param>
    /// <param name="part">0 to 3; constant at every call, so that shifts are.</param>
    /// <param name="step">0 to 7, likewise.</param>
    static virtual TBytes ReadLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> => throw new NotSupportedException("The format has no such form.");

    /// <summary>The same codes signed: <see cref="ReadLanes"/> less <see cref="Zero"/>.</summary>
    static virtual TBytes ReadSignedLanes<TBytes, TOps>(int* words, int half, int part, int step)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> => throw new NotSupportedException("The format's codes are subtracted in whole numbers.");

    /// <summary>The whole-number scales of four groups, a signed byte each.</summary>
    /// <param name="words">The words of one block of as many rows as a vector has lanes.</param>
    /// <param name="halves">The numbers of 16 bits of that block.</param>
    /// <param name="quad">Which four.</param>
    static virtual TBytes ReadLaneScales<TBytes, TOps>(int* words, ushort* halves, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> => throw new NotSupportedException("The format has no such form.");

    /// <summary>The whole-number minima of four groups, a byte each.</summary>
    static virtual TBytes ReadLaneMinima<TBytes, TOps>(int* words, int quad)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes> => throw new NotSupportedException("The block has no minima.");

    /// <summary>The same codes unsigned, <see cref="Zero"/> not yet subtracted.</summary>
    static abstract Vector256<byte> ReadStored(byte* block, int part);
}
