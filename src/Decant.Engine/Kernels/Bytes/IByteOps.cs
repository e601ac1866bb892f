using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// The whole-number operations of one vector width that products of byte codes need. A vector is seen as 32-bit lanes, one weight row each; a lane
/// holds four codes of consecutive columns, or the four activations they meet (the same in every lane). Code over this interface is compiled once
/// per width, with every call turned into an instruction or two.
/// </summary>
/// <typeparam name="TBytes">The vector.</typeparam>
internal unsafe interface IByteOps<TBytes>
    where TBytes : struct
{
    /// <summary>32-bit lanes: weight rows per vector.</summary>
    static abstract int Rows { get; }

    /// <summary>True if there are 32 vector registers, so that a tile of 24 accumulators stays in registers.</summary>
    static abstract bool HasManyRegisters { get; }

    /// <summary>True if codes are signed bytes; false if they are unsigned and their zero is corrected by the value that sums start from.</summary>
    static abstract bool TakesSignedCodes { get; }

    /// <summary>The largest unsigned code: 63 where sums are kept in 16 bits, 255 where in 32.</summary>
    static abstract int LargestCode { get; }

    /// <summary>All bits zero.</summary>
    static abstract TBytes Zero { get; }

    /// <summary>Reads a vector; no alignment needed.</summary>
    static abstract TBytes Load(void* source);

    /// <summary>Writes a vector.</summary>
    static abstract void Store(void* destination, TBytes value);

    /// <summary>Reads 32 bits into every lane.</summary>
    static abstract TBytes Broadcast(void* source);

    /// <summary>Reads 16 bytes of each row, transposed: lane r of vector i is the i-th word of row r.</summary>
    /// <param name="source">The first row's bytes.</param>
    /// <param name="stride">Bytes between rows.</param>
    /// <param name="words">Receives four vectors.</param>
    static abstract void LoadTransposed(byte* source, long stride, out FourVectors<TBytes> words);

    /// <summary>Bits <paramref name="shift"/> and up of every byte, masked; the mask must not reach into the next byte.</summary>
    static abstract TBytes Field(TBytes bytes, int shift, byte mask);

    /// <summary>a | b · 2^shift in 16-bit numbers; what is shifted out of a byte goes to the next.</summary>
    static abstract TBytes Join(TBytes a, TBytes b, int shift);

    /// <summary>The entry of a table of 16 bytes for every byte, each below 16.</summary>
    static abstract TBytes LookUp(TBytes indices, Vector128<byte> table);

    /// <summary>3 · byte / 256, rounded down, for every byte: the first digit of a fraction in base 3.</summary>
    static abstract TBytes ThirdsPassed(TBytes fractions);

    /// <summary>3 · byte without what overflows it: the rest of the fraction, times 3.</summary>
    static abstract TBytes Triple(TBytes fractions);

    /// <summary>One bit of every byte, moved to another place; the other bits are 0.</summary>
    static abstract TBytes Bit(TBytes bytes, int from, int to);

    /// <summary>Brings bit 4s + i of every 32-bit lane to bit s of the lane's byte i: the bits of 32 columns to where four columns at a time meet their codes.</summary>
    static abstract TBytes BitsByColumn(TBytes words);

    /// <summary>
    /// sums += codes · activations, four products to a lane. The sums are whatever suits the processor (two of 16 bits or one of 32 a lane) and
    /// may wrap around on the way: their final value fits.
    /// </summary>
    static abstract TBytes Accumulate(TBytes sums, TBytes codes, TBytes activations);

    /// <summary>32-bit lanes: the lane's sum times its scale word (see <see cref="ScaleWords"/>).</summary>
    static abstract TBytes ScaleSums(TBytes sums, TBytes scaleWords);

    /// <summary>32-bit lanes: the lane's sum.</summary>
    static abstract TBytes JoinSums(TBytes sums);

    /// <summary>32-bit lanes: the products of two pairs of 16-bit numbers, added.</summary>
    static abstract TBytes MultiplyPairs(TBytes a, TBytes b);

    /// <summary>Sums of 32-bit lanes.</summary>
    static abstract TBytes AddWords(TBytes a, TBytes b);

    /// <summary>Single precision: sums[lane] + words[lane] · (rowScales[lane] · tokenScale), the words being whole numbers.</summary>
    static abstract TBytes AddScaled(TBytes sums, TBytes words, TBytes rowScales, float tokenScale);

    /// <summary>Single precision: sums[lane] + factors[lane] · factor.</summary>
    static abstract TBytes AddProducts(TBytes sums, TBytes factors, float factor);

    /// <summary>Reads a finite half-precision number into every lane, in single precision.</summary>
    static abstract TBytes LoadHalves(void* source);

    /// <summary>Reads a byte e into every lane, as 2^(e − 128) in single precision.</summary>
    static abstract TBytes LoadPowers(void* source);

    /// <summary>Reads 16 bits into every lane, a nibble to a byte.</summary>
    static abstract TBytes LoadNibbles(void* source);

    /// <summary>Single precision: a signed byte of every lane times the lane's scale.</summary>
    static abstract TBytes ScaleByte(TBytes bytes, int index, TBytes scales);

    /// <summary>A scale word (see <see cref="ScaleWords"/>) of a signed byte of every lane.</summary>
    static abstract TBytes ScaleWord(TBytes bytes, int index);

    /// <summary>True if products of pairs of 16 bits are quicker than single precision's: see <see cref="WordProduct{TBytes, TOps, TLayout, TBlock}"/>.</summary>
    static virtual bool HasQuickPairs => false;

    /// <summary>Signed bytes 2 · index and 2 · index + 1 of every lane as a pair of 16-bit numbers; only where <see cref="HasQuickPairs"/> is true.</summary>
    static virtual TBytes SignedPair(TBytes bytes, int index) => throw new NotSupportedException();

    /// <summary>Two bytes of every lane, not negative, as a pair of 16-bit numbers.</summary>
    static abstract TBytes PairWord(TBytes bytes, int first, int second);

    /// <summary>a − b in every byte.</summary>
    static abstract TBytes Subtract(TBytes a, byte b);

    /// <summary>How whole-number scales of 16 bits are stored for <see cref="ScaleSums"/>.</summary>
    static abstract Vector256<int> ScaleWords(Vector256<int> scales);

    /// <summary>What sums start from, in every lane: a number that belongs to the lane's first two columns and one for its last two.</summary>
    static abstract int StartWord(int firstPair, int secondPair);
}

/// <summary>Four vectors.</summary>
internal readonly struct FourVectors<TBytes>(TBytes first, TBytes second, TBytes third, TBytes fourth)
    where TBytes : struct
{
    /// <summary>The first.</summary>
    public readonly TBytes First = first;

    /// <summary>The second.</summary>
    public readonly TBytes Second = second;

    /// <summary>The third.</summary>
    public readonly TBytes Third = third;

    /// <summary>The fourth.</summary>
    public readonly TBytes Fourth = fourth;
}
