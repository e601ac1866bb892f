using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace Decant.Engine.Kernels.Bytes;

// Tiles of four tokens; per group of 32 columns, in 32-bit words:
//
//   codes   [16][4]   two activations of consecutive columns, 16 bits each
//   scales  [4]       single precision
//
// Tokens that the last tile lacks are zero.

/// <summary>
/// Activations rounded to 16 bits, <c>x ≈ scale · code</c>, one scale to 32 columns: scale = max |x| / 32,767, codes −32,767 to 32,767, halves to even. A group
/// with an infinite or undefined activation gets an undefined scale, so that it shows in the results.
/// </summary>
internal sealed unsafe class WordActivations : IDisposable
{
    /// <summary>Tokens of a tile.</summary>
    public const int TileTokenCount = 4;

    /// <summary>Columns that share a scale.</summary>
    public const int GroupLength = 32;

    /// <summary>Pairs of columns of a group.</summary>
    public const int PairCount = GroupLength / 2;

    /// <summary>Words of a group, of one token here or one row of weights: pairs and scale.</summary>
    public const int LaneWordCount = PairCount + 1;

    /// <summary>Words of a group, all tokens of a tile.</summary>
    public const int GroupWordCount = LaneWordCount * TileTokenCount;

    private AlignedBuffer? words;
    private int tokenCount;
    private int columnCount;

    /// <summary>Tiles.</summary>
    public int TileCount => (tokenCount + TileTokenCount - 1) / TileTokenCount;

    /// <summary>The words of a tile from a group on.</summary>
    public int* Tile(int tile, int group) => (int*)words!.Pointer + ((long)tile * (columnCount / GroupLength) + group) * GroupWordCount;

    /// <summary>Rounds rows of activations.</summary>
    /// <param name="pool">Threads.</param>
    /// <param name="rows">[tokens, columns].</param>
    /// <param name="tokens">Tokens.</param>
    /// <param name="columns">Columns, a multiple of 32.</param>
    public void Set(WorkerPool pool, float* rows, int tokens, int columns)
    {
        tokenCount = tokens;
        columnCount = columns;
        AlignedBuffer.Reserve(ref words, (long)TileCount * (columns / GroupLength) * GroupWordCount * sizeof(int));
        // Few tiles are rounded sooner than another thread is told.
        const long ElementsWorthThreads = 1 << 14;
        int parts = (long)tokens * columns < ElementsWorthThreads ? 1 : Math.Min(pool.ThreadCount, TileCount);
        pool.Run(parts, new RoundWork(this, (nint)rows, parts));
    }

    /// <inheritdoc/>
    public void Dispose() => words?.Dispose();

    private void RoundTile(float* rows, int tile)
    {
        int first = tile * TileTokenCount, count = Math.Min(TileTokenCount, tokenCount - first);
        for (int group = 0; group < columnCount / GroupLength; group++)
        {
            int* to = Tile(tile, group);
            if (count < TileTokenCount)
                new Span<int>(to, GroupWordCount).Clear();
            for (int token = 0; token < count; token++)
                ((float*)to)[PairCount * TileTokenCount + token] = RoundGroup(rows + (long)(first + token) * columnCount + group * GroupLength, to + token);
        }
    }

    // Returns the scale.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float RoundGroup(float* x, int* to)
    {
        const float LargestCode = 32767;
        Vector256<float> x0 = Vector256.Load(x), x1 = Vector256.Load(x + 8), x2 = Vector256.Load(x + 16), x3 = Vector256.Load(x + 24);
        Vector256<float> largest = Vector256.Max(Vector256.Max(Vector256.Abs(x0), Vector256.Abs(x1)), Vector256.Max(Vector256.Abs(x2), Vector256.Abs(x3)));
        Vector128<float> four = Vector128.Max(largest.GetLower(), largest.GetUpper());
        float maximum = MathF.Max(MathF.Max(four[0], four[1]), MathF.Max(four[2], four[3]));
        // Below about 1e-34 the reciprocal overflows; such a group contributes nothing.
        float factor = LargestCode / maximum;
        bool isSound = float.IsFinite(maximum) && float.IsFinite(factor);
        Vector256<float> factors = Vector256.Create(isSound ? factor : 0);
        short* codes = stackalloc short[GroupLength];
        Vector256.Narrow(Round(x0, factors, isSound), Round(x1, factors, isSound)).Store(codes);
        Vector256.Narrow(Round(x2, factors, isSound), Round(x3, factors, isSound)).Store(codes + 16);
        for (int pair = 0; pair < PairCount; pair++)
            to[pair * TileTokenCount] = ((int*)codes)[pair];
        return isSound ? maximum / LargestCode : float.IsFinite(maximum) ? 0 : float.NaN;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector256<int> Round(Vector256<float> x, Vector256<float> factors, bool isSound) =>
        isSound ? Vector256.ConvertToInt32Native(Vector256.Round(x * factors)) : Vector256<int>.Zero;

    private readonly struct RoundWork(WordActivations owner, nint rows, int parts) : IParallelWork
    {
        public void Run(int part)
        {
            int end = WorkerPool.Boundary(owner.TileCount, 1, part + 1, parts);
            for (int tile = WorkerPool.Boundary(owner.TileCount, 1, part, parts); tile < end; tile++)
                owner.RoundTile((float*)rows, tile);
        }
    }
}
