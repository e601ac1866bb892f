using System.Runtime.CompilerServices;
using Decant.Engine.Kernels.Codes;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Rows side by side, a row a vector lane, so that a product with one token needs no sums across lanes, no shuffles and no look-ups of scales. The blocks of R
/// rows are transposed by 32-bit words; a group of R rows with B blocks each takes exactly the bytes that the stored rows take:
/// <code>
///   halves   [B][1 or 2][R]   16 bits: the blocks' half-precision scales; with offsets or minima, those or their scales too (IQ4_XS: upper bits of scales); MXFP4: 8 bits
///   words    [B][W][R]        32 bits: what else a block holds, four bytes at a time, as ICodeBlock.ArrangeLanes leaves them
/// </code>
/// Codes are taken apart with shifts and masks where they are used: for few tokens straight into the product, for more into a panel
/// (<see cref="IPanelLayout"/>). Both ways add in the same order, so their results are the same bits.
/// </summary>
internal static unsafe partial class InterleavedRows<TBytes, TOps, TLayout, TBlock>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TLayout : struct, IPanelLayout
    where TBlock : struct, ICodeBlock
{
    // Infinite and undefined half-precision numbers have all bits of the exponent set.
    private const uint SmallestNotFinite = 0x7c00;

    // 2^(253 − 128) times MXFP4's largest level, 12, is infinite.
    private const byte SmallestOverflowing = 253;

    /// <summary>Words of a block.</summary>
    public static int WordCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (TBlock.ByteCount - OwnByteCount) / 4;
    }

    /// <summary>Numbers of 16 bits, or pairs of bytes, that a block of all rows has beside its words.</summary>
    public static int HalvesLength
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => OwnByteCount * TOps.Rows / sizeof(ushort);
    }

    // Bytes of a row's block that are no words.
    private static int OwnByteCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TBlock.HasByteScale ? 1 : sizeof(ushort) * TBlock.HalfCount;
    }

    /// <summary>Words of scales and minima that <see cref="Multiply"/> needs for itself.</summary>
    public static int ScratchWordCount => ByteTile<TBytes, TOps, TLayout>.GroupWordCount * TOps.Rows;

    // Ternary formats have one group of 256, whose whole sum fits what sums are kept in.
    private static bool IsOneGroup
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => !TLayout.HasGroupScales;
    }

    /// <summary>The scales of a group's blocks from some block on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ushort* Halves(byte* group, int block) => (ushort*)group + (long)block * HalvesLength;

    /// <summary>The words of a group's blocks from some block on.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int* Words(byte* group, int blockCount, int block) => (int*)Halves(group, blockCount) + (long)block * WordCount * TOps.Rows;

    /// <summary>Brings stored rows side by side, as many as a vector has lanes in every group: see <see cref="IInterleavedKernel.TryInterleave"/>.</summary>
    /// <returns>False if a scale is infinite or undefined, which the products do not provide for.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static bool TryStore(byte* rows, long rowByteCount, int rowCount, byte* groups)
    {
        int blockCount = (int)(rowByteCount / TBlock.ByteCount);
        for (int row = 0; row < rowCount; row += TOps.Rows)
        {
            byte* from = rows + row * rowByteCount, group = groups + row * rowByteCount;
            for (int block = 0; block < blockCount; block++)
            {
                if (!TryStoreBlock(from + (long)block * TBlock.ByteCount, rowByteCount, Words(group, blockCount, block), Halves(group, block)))
                    return false;
            }
        }
        return true;
    }

    /// <summary>Brings one block of every row side by side.</summary>
    /// <returns>False if a scale is infinite or undefined.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool TryStoreBlock(byte* blocks, long rowByteCount, int* words, ushort* halves)
    {
        StoreWords(blocks, rowByteCount, words);
        bool areFinite = StoreHalves(blocks, rowByteCount, halves);
        TBlock.ArrangeLanes<TBytes, TOps>(words, halves);
        return areFinite;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreWords(byte* blocks, long rowByteCount, int* words)
    {
        byte* from = blocks + (TBlock.HalvesOffset == 0 ? OwnByteCount : 0);
        int word = 0;
        for (; word <= WordCount - 4; word += 4)
        {
            TOps.LoadTransposed(from + 4 * word, rowByteCount, out FourVectors<TBytes> four);
            TOps.Store(words + word * TOps.Rows, four.First);
            TOps.Store(words + (word + 1) * TOps.Rows, four.Second);
            TOps.Store(words + (word + 2) * TOps.Rows, four.Third);
            TOps.Store(words + (word + 3) * TOps.Rows, four.Fourth);
        }
        for (; word < WordCount; word++)
        {
            for (int row = 0; row < TOps.Rows; row++)
                words[word * TOps.Rows + row] = Unsafe.ReadUnaligned<int>(from + row * rowByteCount + 4 * word);
        }
    }

    // Returns whether all scales, and what they make of the largest code, are finite.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool StoreHalves(byte* blocks, long rowByteCount, ushort* halves)
    {
        byte* from = blocks + TBlock.HalvesOffset;
        uint largest = 0;
        if (TBlock.HasByteScale)
        {
            for (int row = 0; row < TOps.Rows; row++)
            {
                byte scale = from[row * rowByteCount];
                ((byte*)halves)[row] = scale;
                largest = Math.Max(largest, scale);
            }
            return largest < SmallestOverflowing;
        }
        for (int row = 0; row < TOps.Rows; row++)
        {
            for (int i = 0; i < TBlock.HalfCount; i++)
            {
                ushort half = Unsafe.ReadUnaligned<ushort>(from + row * rowByteCount + sizeof(ushort) * i);
                halves[i * TOps.Rows + row] = half;
                if (i == 0 || TBlock.HasOffsets)
                    largest = Math.Max(largest, half & 0x7fffu);
            }
        }
        return largest < SmallestNotFinite;
    }

    /// <summary>Takes one block of every row apart, into lanes of a panel.</summary>
    /// <param name="words">The block's words.</param>
    /// <param name="halves">The block's half-precision numbers, all finite.</param>
    /// <param name="panel">The first lane of these rows in the panel's block.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Unpack(int* words, ushort* halves, int* panel)
    {
        int panelRowCount = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        if (TLayout.BlockLength == 32)
            UnpackShort(words, panel);
        else
            UnpackLong(words, panel);
        int* to = panel + TLayout.BlockLength / 4 * panelRowCount;
        if (TLayout.HasGroupScales)
            UnpackScales(words, halves, to, panelRowCount);
        to += ByteTile<TBytes, TOps, TLayout>.GroupWordCount * panelRowCount;
        TOps.Store(to, Scales(halves));
        if (TLayout.HasMinima)
            TOps.Store(to + panelRowCount, TOps.AddProducts(TOps.Zero, TOps.LoadHalves(halves + TOps.Rows), -1));
        else if (TLayout.HasOffsets)
            TOps.Store(to + panelRowCount, Offsets(halves));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void UnpackLong(int* words, int* panel)
    {
        int row = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        for (int half = 0; half < 2; half++)
        {
            UnpackStep(words, panel, half, 0);
            UnpackStep(words, panel + row, half, 1);
            UnpackStep(words, panel + 2 * row, half, 2);
            UnpackStep(words, panel + 3 * row, half, 3);
            UnpackStep(words, panel + 4 * row, half, 4);
            UnpackStep(words, panel + 5 * row, half, 5);
            UnpackStep(words, panel + 6 * row, half, 6);
            UnpackStep(words, panel + 7 * row, half, 7);
            panel += 32 * row;
        }
    }

    // Four columns of each of the four parts of half a block: see AddStep.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackStep(int* words, int* panel, int half, int step)
    {
        int part = 8 * ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        TOps.Store(panel, Codes(words, half, 0, step));
        TOps.Store(panel + part, Codes(words, half, 1, step));
        TOps.Store(panel + 2 * part, Codes(words, half, 2, step));
        TOps.Store(panel + 3 * part, Codes(words, half, 3, step));
    }

    /// <summary>The products of the rows of one group with one token.</summary>
    /// <param name="group">The group.</param>
    /// <param name="groupByteCount">Bytes of a group.</param>
    /// <param name="blockCount">Blocks of a row.</param>
    /// <param name="tile">The token's activations as a tile of one (<see cref="IPanelLayout"/>).</param>
    /// <param name="scratch"><see cref="ScratchWordCount"/> words.</param>
    /// <param name="results">A number for every row.</param>
    public static void Multiply(byte* group, long groupByteCount, int blockCount, int* tile, int* scratch, float* results)
    {
        // Methods of their own: the JIT stops inlining after so many calls, those in branches never taken included.
        if (TLayout.BlockLength == 32)
            MultiplyShort<OneToken>(group, groupByteCount, blockCount, tile, 0, results, 0);
        else if (IsOneGroup)
            MultiplyOneGroup(group, groupByteCount, blockCount, tile, results);
        else if (TLayout.GroupLength == 32)
            MultiplyGroups<WholeParts>(group, groupByteCount, blockCount, tile, scratch, results);
        else
            MultiplyGroups<HalfParts>(group, groupByteCount, blockCount, tile, scratch, results);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyOneGroup(byte* group, long groupByteCount, int blockCount, int* tile, float* results)
    {
        ushort* halves = (ushort*)group;
        int* words = Words(group, blockCount, 0);
        TBytes sum = TOps.Zero;
        for (; blockCount > 0; blockCount--)
        {
            Prefetching.RequestLine((byte*)halves + groupByteCount);
            TBytes s0 = Start(tile + 64), s1 = TOps.Zero, s2 = TOps.Zero, s3 = TOps.Zero;
            for (int half = 0; half < 2; half++)
            {
                AddSteps(words, tile + 32 * half, half, 0, ref s0, ref s1, ref s2, ref s3);
                AddSteps(words, tile + 32 * half, half, 4, ref s0, ref s1, ref s2, ref s3);
            }
            tile += ByteTile<TBytes, TOps, TLayout>.HasStarts ? 65 : 64;
            TBytes total = TOps.AddWords(TOps.AddWords(TOps.JoinSums(s0), TOps.JoinSums(s1)), TOps.AddWords(TOps.JoinSums(s2), TOps.JoinSums(s3)));
            sum = TOps.AddScaled(sum, total, Scales(halves), *(float*)tile);
            tile++;
            halves += HalvesLength;
            words += WordCount * TOps.Rows;
        }
        TOps.Store(results, sum);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyGroups<TGroups>(byte* group, long groupByteCount, int blockCount, int* tile, int* scratch, float* results)
        where TGroups : struct, IPartOfGroups
    {
        ushort* halves = (ushort*)group;
        int* words = Words(group, blockCount, 0);
        TBytes sum = TOps.Zero;
        for (; blockCount > 0; blockCount--)
        {
            Prefetching.RequestLine((byte*)halves + groupByteCount);
            UnpackScalesApart(words, halves, scratch);
            TBytes total = TOps.Zero;
            for (int half = 0; half < 2; half++)
                total = TGroups.Add(total, words, tile, scratch, half);
            sum = AddBlock(sum, total, scratch, halves, tile);
            tile += ByteTile<TBytes, TOps, TLayout>.TokenWordCount;
            halves += HalvesLength;
            words += WordCount * TOps.Rows;
        }
        TOps.Store(results, sum);
    }

    /// <summary>Asks for the memory of a short block some way ahead, and for the next group's scales.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RequestAhead(int* words, ushort* halves, long groupByteCount)
    {
        Prefetching.RequestLine((byte*)halves + groupByteCount);
        for (int i = 0; i < WordCount * TOps.Rows; i += 16)
            Prefetching.RequestLine((byte*)(words + i) + Prefetching.StreamDistance);
    }

    // Lines that the words of half a long block take.
    private static int HalfLineCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (WordCount * TOps.Rows / 16 + 1) / 2;
    }

    // Asks for a quarter of the lines of half a long block some way ahead; the quarter is a constant wherever this is inlined. All asked for at once, they would
    // fill the places where a core keeps what it waits for, and the block's own loads would wait behind them: from memory, products with K types took 1.07 to
    // 1.18 times as long.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RequestQuarter(byte* ahead, int lineCount, int quarter)
    {
        int first = quarter * lineCount / 4, count = ((quarter + 1) * lineCount / 4) - first;
        ahead += first * 64;
        if (count > 0)
            Prefetching.RequestLine(ahead);
        if (count > 1)
            Prefetching.RequestLine(ahead + 64);
        if (count > 2)
            Prefetching.RequestLine(ahead + 128);
        if (count > 3)
            Prefetching.RequestLine(ahead + 192);
        if (count > 4)
            Prefetching.RequestLine(ahead + 256);
        if (count > 5)
            Prefetching.RequestLine(ahead + 320);
        if (count > 6)
            Prefetching.RequestLine(ahead + 384);
    }

    // What a block with whole-number scales adds: its sum times its scale, and with minima their sum.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes AddBlock(TBytes sum, TBytes total, int* scratch, ushort* halves, int* tile)
    {
        float tokenScale = ((float*)tile)[ByteTile<TBytes, TOps, TLayout>.TokenWordCount - 1];
        sum = TOps.AddScaled(sum, total, Scales(halves), tokenScale);
        if (!TLayout.HasMinima)
            return sum;
        int pairs = ByteTile<TBytes, TOps, TLayout>.GroupCount / 2;
        int* own = scratch + 2 * pairs * TOps.Rows;
        int* sums = tile + ByteTile<TBytes, TOps, TLayout>.TokenWordCount - 1 - pairs;
        TBytes minima = AddFourPairs(TOps.Zero, own, sums);
        if (pairs > 4)
            minima = AddFourPairs(minima, own + 4 * TOps.Rows, sums + 4);
        return TOps.AddScaled(sum, minima, TOps.LoadHalves(halves + TOps.Rows), -tokenScale);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes AddFourPairs(TBytes total, int* pairs, int* sums)
    {
        total = TOps.AddWords(total, TOps.MultiplyPairs(TOps.Load(pairs), TOps.Broadcast(sums)));
        total = TOps.AddWords(total, TOps.MultiplyPairs(TOps.Load(pairs + TOps.Rows), TOps.Broadcast(sums + 1)));
        total = TOps.AddWords(total, TOps.MultiplyPairs(TOps.Load(pairs + 2 * TOps.Rows), TOps.Broadcast(sums + 2)));
        return TOps.AddWords(total, TOps.MultiplyPairs(TOps.Load(pairs + 3 * TOps.Rows), TOps.Broadcast(sums + 3)));
    }

    // Four steps of each of the four parts of half a block, a sum each, and requests for a quarter of what half a block takes.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddSteps(int* words, int* tile, int half, int step, ref TBytes s0, ref TBytes s1, ref TBytes s2, ref TBytes s3)
    {
        int lineCount = HalfLineCount;
        byte* ahead = (byte*)words + Prefetching.StreamDistance + half * lineCount * 64;
        RequestQuarter(ahead, lineCount, step / 2);
        AddStep(words, tile + step, half, step, ref s0, ref s1, ref s2, ref s3);
        AddStep(words, tile + step + 1, half, step + 1, ref s0, ref s1, ref s2, ref s3);
        RequestQuarter(ahead, lineCount, step / 2 + 1);
        AddStep(words, tile + step + 2, half, step + 2, ref s0, ref s1, ref s2, ref s3);
        AddStep(words, tile + step + 3, half, step + 3, ref s0, ref s1, ref s2, ref s3);
    }

    // Four columns of each part. Parts share the words they are taken from: part after part, the compiler would keep eight or sixteen of them from the first
    // to the last, in memory where there are 16 registers, which made K types half as fast.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddStep(int* words, int* tile, int half, int step, ref TBytes s0, ref TBytes s1, ref TBytes s2, ref TBytes s3)
    {
        s0 = TOps.Accumulate(s0, Codes(words, half, 0, step), TOps.Broadcast(tile));
        s1 = TOps.Accumulate(s1, Codes(words, half, 1, step), TOps.Broadcast(tile + 8));
        s2 = TOps.Accumulate(s2, Codes(words, half, 2, step), TOps.Broadcast(tile + 16));
        s3 = TOps.Accumulate(s3, Codes(words, half, 3, step), TOps.Broadcast(tile + 24));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Start(int* starts) => ByteTile<TBytes, TOps, TLayout>.HasStarts ? TOps.Broadcast(starts) : TOps.Zero;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Codes(int* words, int half, int part, int step)
    {
        TBytes codes = TBlock.ReadLanes<TBytes, TOps>(words, half, part, step);
        return TOps.TakesSignedCodes && TBlock.Zero != 0 ? TOps.Subtract(codes, (byte)TBlock.Zero) : codes;
    }

    /// <summary>The scales of a block of all rows, in single precision.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static TBytes Scales(ushort* halves) => TBlock.HasByteScale ? TOps.LoadPowers(halves) : TOps.LoadHalves(halves);

    // See PanelPacker.Zero.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes Offsets(ushort* halves)
    {
        TBytes offsets = TOps.LoadHalves(halves + TOps.Rows);
        return TOps.TakesSignedCodes ? offsets : TOps.AddProducts(offsets, TOps.LoadHalves(halves), PanelPacker<TBytes, TOps, TLayout, TBlock>.Zero);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void UnpackShort(int* words, int* panel)
    {
        int row = ByteTile<TBytes, TOps, TLayout>.PanelRowCount;
        TOps.Store(panel, Codes(words, 0, 0, 0));
        TOps.Store(panel + row, Codes(words, 0, 0, 1));
        TOps.Store(panel + 2 * row, Codes(words, 0, 0, 2));
        TOps.Store(panel + 3 * row, Codes(words, 0, 0, 3));
        TOps.Store(panel + 4 * row, Codes(words, 0, 0, 4));
        TOps.Store(panel + 5 * row, Codes(words, 0, 0, 5));
        TOps.Store(panel + 6 * row, Codes(words, 0, 0, 6));
        TOps.Store(panel + 7 * row, Codes(words, 0, 0, 7));
    }

    // A method of its own: with it, the product would be more than the JIT inlines as a whole.
    [MethodImpl(MethodImplOptions.AggressiveOptimization | MethodImplOptions.NoInlining)]
    private static void UnpackScalesApart(int* words, ushort* halves, int* target) => UnpackScales(words, halves, target, TOps.Rows);

    /// <summary>Scale words of all groups, then pairs of minima. Where a format's groups are longer than the layout's, each of its scales serves two.</summary>
    /// <param name="words">The block's words.</param>
    /// <param name="halves">The block's numbers of 16 bits.</param>
    /// <param name="target">Receives them.</param>
    /// <param name="distance">Words between those of two groups.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void UnpackScales(int* words, ushort* halves, int* target, int distance)
    {
        int copies = TBlock.GroupLength / TLayout.GroupLength;
        int* minima = target + ByteTile<TBytes, TOps, TLayout>.GroupCount * distance;
        for (int quad = 0; quad < TLayout.BlockLength / TBlock.GroupLength / 4; quad++)
        {
            TBytes four = TBlock.ReadLaneScales<TBytes, TOps>(words, halves, quad);
            StoreCopies(TOps.ScaleWord(four, 0), target, distance);
            StoreCopies(TOps.ScaleWord(four, 1), target + copies * distance, distance);
            StoreCopies(TOps.ScaleWord(four, 2), target + 2 * copies * distance, distance);
            StoreCopies(TOps.ScaleWord(four, 3), target + 3 * copies * distance, distance);
            target += 4 * copies * distance;
            if (!TLayout.HasMinima)
                continue;
            four = TBlock.ReadLaneMinima<TBytes, TOps>(words, quad);
            if (copies == 1)
            {
                TOps.Store(minima, TOps.PairWord(four, 0, 1));
                TOps.Store(minima + distance, TOps.PairWord(four, 2, 3));
            }
            else
            {
                TOps.Store(minima, TOps.PairWord(four, 0, 0));
                TOps.Store(minima + distance, TOps.PairWord(four, 1, 1));
                TOps.Store(minima + 2 * distance, TOps.PairWord(four, 2, 2));
                TOps.Store(minima + 3 * distance, TOps.PairWord(four, 3, 3));
            }
            minima += 2 * copies * distance;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreCopies(TBytes word, int* target, int distance)
    {
        TOps.Store(target, word);
        if (TBlock.GroupLength != TLayout.GroupLength)
            TOps.Store(target + distance, word);
    }

    // How half a block is added whose groups have whole-number scales.
    private interface IPartOfGroups
    {
        static abstract TBytes Add(TBytes total, int* words, int* tile, int* scales, int half);
    }

    // Groups of 32: a part each.
    private readonly struct WholeParts : IPartOfGroups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TBytes Add(TBytes total, int* words, int* tile, int* scales, int half)
        {
            int* starts = tile + 64 + 4 * half;
            TBytes s0 = Start(starts), s1 = Start(starts + 1), s2 = Start(starts + 2), s3 = Start(starts + 3);
            AddSteps(words, tile + 32 * half, half, 0, ref s0, ref s1, ref s2, ref s3);
            AddSteps(words, tile + 32 * half, half, 4, ref s0, ref s1, ref s2, ref s3);
            return AddScaledSums(total, scales + 4 * half * TOps.Rows, TOps.Rows, s0, s1, s2, s3);
        }
    }

    // Groups of 16: two to a part.
    private readonly struct HalfParts : IPartOfGroups
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public static TBytes Add(TBytes total, int* words, int* tile, int* scales, int half)
        {
            total = AddFourSteps(total, words, tile, scales, half, 0);
            return AddFourSteps(total, words, tile, scales, half, 1);
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        private static TBytes AddFourSteps(TBytes total, int* words, int* tile, int* scales, int half, int group)
        {
            int* starts = tile + 64 + 8 * half + group;
            TBytes s0 = Start(starts), s1 = Start(starts + 2), s2 = Start(starts + 4), s3 = Start(starts + 6);
            AddSteps(words, tile + 32 * half, half, 4 * group, ref s0, ref s1, ref s2, ref s3);
            return AddScaledSums(total, scales + (8 * half + group) * TOps.Rows, 2 * TOps.Rows, s0, s1, s2, s3);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBytes AddScaledSums(TBytes total, int* scales, int distance, TBytes s0, TBytes s1, TBytes s2, TBytes s3)
    {
        total = TOps.AddWords(total, TOps.ScaleSums(s0, TOps.Load(scales)));
        total = TOps.AddWords(total, TOps.ScaleSums(s1, TOps.Load(scales + distance)));
        total = TOps.AddWords(total, TOps.ScaleSums(s2, TOps.Load(scales + 2 * distance)));
        return TOps.AddWords(total, TOps.ScaleSums(s3, TOps.Load(scales + 3 * distance)));
    }
}
