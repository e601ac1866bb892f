using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// Activations rounded to 8 bits, <c>x ≈ scale · code</c>, one scale to a block of 32 or 256 columns: scale = max |x| / 127, codes −127 to 127, halves
/// to even. Kept as rows of tokens, with the sums that formats with a zero or with minima need, and on demand as tiles for
/// <see cref="ByteTile{TBytes, TOps, TLayout}"/>. A block with an infinite or undefined activation gets an undefined scale, so that it shows in the results.
/// </summary>
/// <param name="blockLength">32 or 256.</param>
internal sealed unsafe class ByteActivations(int blockLength) : IDisposable
{
    // A few thousand elements are rounded sooner than another thread is told.
    private const long ElementsWorthThreads = 1 << 14;

    private readonly List<TileSet> tiles = [];
    private readonly SplitActivations split = new();
    private bool splitFilled;
    private AlignedBuffer? codes;
    private AlignedBuffer? scales;
    private AlignedBuffer? sums;
    private int tokenCount;
    private int columnCount;

    /// <summary>Columns of a block.</summary>
    public int BlockLength { get; } = blockLength;

    /// <summary>The codes of a token.</summary>
    public sbyte* Codes(int token) => (sbyte*)codes!.Pointer + (long)token * columnCount;

    /// <summary>The scales of a token's blocks.</summary>
    public float* Scales(int token) => scales!.Floats + (long)token * (columnCount / BlockLength);

    /// <summary>Blocks of 256: sums of 16 codes each, a block's 16 in the order of <see cref="Codes.ICodeBlock.ReadIntegerScales"/>.</summary>
    public short* PartSums(int token) => (short*)sums!.Pointer + (long)token * (columnCount / 16);

    /// <summary>Blocks of 32: the sum of a block's codes times its scale.</summary>
    public float* ScaledSums(int token) => sums!.Floats + (long)token * (columnCount / 32);

    /// <summary>Rounds rows of activations.</summary>
    public void Set(WorkerPool pool, float* rows, int tokens, int columns)
    {
        tokenCount = tokens;
        columnCount = columns;
        foreach (TileSet set in tiles)
            set.IsFilled = false;
        splitFilled = false;
        AlignedBuffer.Reserve(ref codes, (long)tokens * columns);
        AlignedBuffer.Reserve(ref scales, (long)tokens * (columns / BlockLength) * sizeof(float));
        AlignedBuffer.Reserve(ref sums, (long)tokens * (columns / 16) * sizeof(short));
        int parts = (long)tokens * columns < ElementsWorthThreads ? 1 : pool.ThreadCount;
        pool.Run(parts, new RoundWork(this, (nint)rows, parts));
    }

    /// <summary>The activations as tiles, packed on the first call after <see cref="Set"/>.</summary>
    /// <param name="pool">Threads.</param>
    /// <param name="zero">The stored code that stands for 0.</param>
    /// <param name="apart">True for every token in a tile of its own.</param>
    public TileSet Tiles<TBytes, TOps, TLayout>(WorkerPool pool, int zero, bool apart = false)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
        where TLayout : struct, IPanelLayout
    {
        Type form = typeof(ByteTile<TBytes, TOps, TLayout>);
        TileSet? set = null;
        foreach (TileSet candidate in tiles)
        {
            if (candidate.Form == form && candidate.Zero == zero && candidate.IsApart == apart)
                set = candidate;
        }
        if (set is null)
            tiles.Add(set = new TileSet(form, zero, apart));
        if (set.IsFilled)
            return set;
        set.Shape(tokenCount, apart ? 1 : ByteTile<TBytes, TOps, TLayout>.LargestWidth, columnCount / TLayout.BlockLength * ByteTile<TBytes, TOps, TLayout>.TokenWordCount);
        int parts = Math.Min(set.Count, (long)tokenCount * columnCount < ElementsWorthThreads ? 1 : pool.ThreadCount);
        pool.Run(parts, new PackWork<TBytes, TOps, TLayout>(this, set, parts));
        set.IsFilled = true;
        return set;
    }

    /// <summary>The activations in two parts, split on the first call after <see cref="Set"/>: for few tokens.</summary>
    public SplitActivations Split()
    {
        if (!splitFilled)
            split.Fill(this, tokenCount, columnCount);
        splitFilled = true;
        return split;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        split.Dispose();
        codes?.Dispose();
        scales?.Dispose();
        sums?.Dispose();
        foreach (TileSet set in tiles)
            set.Dispose();
    }

    private void RoundBlocks(float* rows, long first, long end)
    {
        int blocksPerRow = columnCount / BlockLength;
        for (long block = first; block < end; block++)
        {
            float* x = rows + block * BlockLength;
            sbyte* target = (sbyte*)codes!.Pointer + block * BlockLength;
            float scale = RoundBlock(x, target, BlockLength);
            scales!.Floats[block] = scale;
            if (BlockLength == 32)
            {
                sums!.Floats[block] = scale * (Sum16(target) + Sum16(target + 16));
                continue;
            }
            short* partSums = (short*)sums!.Pointer + block * 16;
            for (int part = 0; part < 8; part++)
            {
                partSums[part] = (short)Sum16(target + 32 * part);
                partSums[8 + part] = (short)Sum16(target + 32 * part + 16);
            }
        }
    }

    private static float RoundBlock(float* x, sbyte* target, int length)
    {
        Vector256<float> largest = Vector256<float>.Zero;
        for (int i = 0; i < length; i += 8)
            largest = Vector256.Max(largest, Vector256.Abs(Vector256.Load(x + i)));
        Vector128<float> four = Vector128.Max(largest.GetLower(), largest.GetUpper());
        float maximum = MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
        if (!float.IsFinite(maximum) || maximum == 0)
        {
            new Span<sbyte>(target, length).Clear();
            return maximum == 0 ? 0 : float.NaN;
        }
        // Below about 1e-36 the reciprocal overflows; such a block contributes nothing.
        float factor = 127 / maximum;
        if (!float.IsFinite(factor))
        {
            new Span<sbyte>(target, length).Clear();
            return 0;
        }
        Vector256<float> factors = Vector256.Create(factor);
        for (int i = 0; i < length; i += 32)
        {
            Vector256<short> low = Vector256.Narrow(Round(x + i, factors), Round(x + i + 8, factors));
            Vector256<short> high = Vector256.Narrow(Round(x + i + 16, factors), Round(x + i + 24, factors));
            Vector256.Narrow(low, high).Store(target + i);
        }
        return maximum / 127;
    }

    private static Vector256<int> Round(float* x, Vector256<float> factors) =>
        Vector256.ConvertToInt32Native(Vector256.Round(Vector256.Load(x) * factors));

    private static int Sum16(sbyte* codes)
    {
        (Vector128<short> low, Vector128<short> high) = Vector128.Widen(Vector128.Load(codes));
        return Vector128.Sum(low + high);
    }

    private void PackTile<TBytes, TOps, TLayout>(TileSet set, int index)
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
        where TLayout : struct, IPanelLayout
    {
        int first = set.FirstToken(index);
        int width = set.FirstToken(index + 1) - first;
        int* to = set.Tile(index);
        int groupCount = TLayout.BlockLength / TLayout.GroupLength;
        for (int block = 0; block < columnCount / TLayout.BlockLength; block++)
        {
            int column = block * TLayout.BlockLength;
            for (int token = 0; token < width; token++)
            {
                int* from = (int*)(Codes(first + token) + column);
                for (int step = 0; step < TLayout.BlockLength / 4; step++)
                    to[step * width + token] = from[step];
            }
            to += TLayout.BlockLength / 4 * width;
            if (TLayout.HasZero && !TOps.TakesSignedCodes)
            {
                for (int token = 0; token < width; token++)
                {
                    for (int group = 0; group < groupCount; group++)
                    {
                        (int firstPair, int secondPair) = SumPairs(Codes(first + token) + column + group * TLayout.GroupLength, TLayout.GroupLength);
                        to[group * width + token] = TOps.StartWord(-set.Zero * firstPair, -set.Zero * secondPair);
                    }
                }
                to += groupCount * width;
            }
            if (TLayout.HasMinima)
            {
                for (int token = 0; token < width; token++)
                {
                    short* own = PartSums(first + token) + column / 16;
                    for (int pair = 0; pair < groupCount / 2; pair++)
                    {
                        int even = TLayout.GroupLength == 16 ? own[pair] : own[2 * pair] + own[8 + 2 * pair];
                        int odd = TLayout.GroupLength == 16 ? own[8 + pair] : own[2 * pair + 1] + own[8 + 2 * pair + 1];
                        to[pair * width + token] = (even & 0xffff) | odd << 16;
                    }
                }
                to += groupCount / 2 * width;
            }
            for (int token = 0; token < width; token++)
            {
                ((float*)to)[token] = Scales(first + token)[block];
                if (TLayout.HasOffsets)
                    ((float*)to)[width + token] = ScaledSums(first + token)[block];
            }
            to += TLayout.HasOffsets ? 2 * width : width;
        }
    }

    /// <summary>Sums of the codes at columns 0 and 1, and at columns 2 and 3, of every four.</summary>
    private static (int First, int Second) SumPairs(sbyte* codes, int count)
    {
        Vector128<short> sum = Vector128<short>.Zero;
        for (int i = 0; i < count; i += 16)
        {
            // Neighbours in one 16-bit lane: the even one sign-extended by shifts, the odd one by one shift.
            Vector128<short> both = Vector128.Load((short*)(codes + i));
            sum += Vector128.ShiftRightArithmetic(Vector128.ShiftLeft(both, 8), 8) + Vector128.ShiftRightArithmetic(both, 8);
        }
        return (sum[0] + sum[2] + sum[4] + sum[6], sum[1] + sum[3] + sum[5] + sum[7]);
    }

    private readonly struct RoundWork(ByteActivations owner, nint rows, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            long blocks = (long)owner.tokenCount * (owner.columnCount / owner.BlockLength);
            owner.RoundBlocks((float*)rows, blocks * part / parts, blocks * (part + 1) / parts);
        }
    }

    private readonly struct PackWork<TBytes, TOps, TLayout>(ByteActivations owner, TileSet set, int parts) : IParallelWork
        where TBytes : struct
        where TOps : struct, IByteOps<TBytes>
        where TLayout : struct, IPanelLayout
    {
        public void Run(int part)
        {
            int end = WorkerPool.Boundary(set.Count, 1, part + 1, parts);
            for (int tile = WorkerPool.Boundary(set.Count, 1, part, parts); tile < end; tile++)
                owner.PackTile<TBytes, TOps, TLayout>(set, tile);
        }
    }

    /// <summary>The activations of all tokens as tiles of nearly equal width.</summary>
    /// <param name="form">Which tile they are for.</param>
    /// <param name="zero">The stored code that stands for 0.</param>
    /// <param name="apart">True if every token is a tile of its own.</param>
    internal sealed class TileSet(Type form, int zero, bool apart) : IDisposable
    {
        private AlignedBuffer? words;
        private int tokenCount;
        private long wordsPerToken;

        /// <summary>Which tile they are for.</summary>
        public Type Form { get; } = form;

        /// <summary>The stored code that stands for 0.</summary>
        public int Zero { get; } = zero;

        /// <summary>True if every token is a tile of its own.</summary>
        public bool IsApart { get; } = apart;

        /// <summary>False until packed.</summary>
        public bool IsFilled { get; set; }

        /// <summary>Tiles.</summary>
        public int Count { get; private set; }

        /// <summary>Makes room.</summary>
        public void Shape(int tokens, int largestWidth, long tokenWordCount)
        {
            tokenCount = tokens;
            wordsPerToken = tokenWordCount;
            Count = (tokens + largestWidth - 1) / largestWidth;
            AlignedBuffer.Reserve(ref words, tokens * tokenWordCount * sizeof(int));
        }

        /// <summary>The first token of a tile.</summary>
        public int FirstToken(int tile) => WorkerPool.Boundary(tokenCount, 1, tile, Count);

        /// <summary>The words of a tile.</summary>
        public int* Tile(int tile) => (int*)words!.Pointer + FirstToken(tile) * wordsPerToken;

        /// <inheritdoc/>
        public void Dispose() => words?.Dispose();
    }
}
