using System.Runtime.CompilerServices;

namespace Decant.Engine.Kernels.Bytes;

/// <summary>
/// The register tile of byte products: two vectors of weight rows times up to six tokens. See <see cref="IPanelLayout"/> for the memory layout.
/// <code>
///                       token 0   token 1  ...
///   codes of rows 0–R/2    s00       s10         one accumulator each; four columns a step:
///   codes of rows R/2–R    s01       s11         s += codes · (the token's four activations in every lane)
/// </code>
/// With 32 registers the tile takes six tokens: 12 sums and 12 scaled sums, two code vectors and one of activations. With 16 it takes three.
/// At the end of a block the scaled sums are added to results in memory, which the first-level cache holds.
/// </summary>
internal static unsafe class ByteTile<TBytes, TOps, TLayout>
    where TBytes : struct
    where TOps : struct, IByteOps<TBytes>
    where TLayout : struct, IPanelLayout
{
    /// <summary>The most tokens of a tile.</summary>
    public static int LargestWidth => TOps.HasManyRegisters ? 6 : 3;

    /// <summary>Rows of a panel.</summary>
    public static int PanelRowCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => 2 * TOps.Rows;
    }

    /// <summary>Groups of a block.</summary>
    public static int GroupCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TLayout.BlockLength / TLayout.GroupLength;
    }

    /// <summary>True if sums start from a word of the activations that makes up for the codes' zero.</summary>
    public static bool HasStarts
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TLayout.HasZero && !TOps.TakesSignedCodes;
    }

    /// <summary>Words of scales and minima of groups that each row of a packed block of weights has, between its codes and its single-precision scales.</summary>
    public static int GroupWordCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => (TLayout.HasGroupScales ? GroupCount : 0) + (TLayout.HasMinima ? GroupCount / 2 : 0);
    }

    /// <summary>32-bit words of a packed block of weights, all rows of the panel.</summary>
    public static int PanelWordCount => PanelRowCount * (TLayout.BlockLength / 4 + GroupWordCount + (TLayout.HasMinima || TLayout.HasOffsets ? 2 : 1));

    /// <summary>32-bit words of a packed block of activations, per token.</summary>
    public static int TokenWordCount
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => TLayout.BlockLength / 4 + (HasStarts ? GroupCount : 0) + (TLayout.HasMinima ? GroupCount / 2 : 0) + 1 + (TLayout.HasOffsets ? 1 : 0);
    }

    /// <summary>results[token · PanelRowCount + row] += Σ weights · activations over some blocks.</summary>
    /// <param name="panel">Packed weights.</param>
    /// <param name="tile">Packed activations.</param>
    /// <param name="width">Tokens of the tile.</param>
    /// <param name="blockCount">Blocks.</param>
    /// <param name="results">[width, PanelRowCount].</param>
    public static void MultiplyAdd(int* panel, int* tile, int width, int blockCount, float* results)
    {
        switch (width)
        {
            case 1:
                MultiplyAdd<OneToken>(panel, tile, blockCount, results);
                break;
            case 2:
                MultiplyAdd<TwoTokens>(panel, tile, blockCount, results);
                break;
            case 3:
                MultiplyAdd<ThreeTokens>(panel, tile, blockCount, results);
                break;
            case 4 when TOps.HasManyRegisters:
                MultiplyAdd<FourTokens>(panel, tile, blockCount, results);
                break;
            case 5 when TOps.HasManyRegisters:
                MultiplyAdd<FiveTokens>(panel, tile, blockCount, results);
                break;
            case 6 when TOps.HasManyRegisters:
                MultiplyAdd<SixTokens>(panel, tile, blockCount, results);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(width), width, null);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void MultiplyAdd<TWidth>(int* panel, int* tile, int blockCount, float* results)
        where TWidth : struct, ITokenCount
    {
        for (; blockCount > 0; blockCount--)
        {
            int* scaleWords = panel + TLayout.BlockLength / 4 * PanelRowCount;
            int* starts = tile + TLayout.BlockLength / 4 * TWidth.Count;
            TBytes t00 = TOps.Zero, t01 = TOps.Zero;
            TBytes t10 = TOps.Zero, t11 = TOps.Zero;
            TBytes t20 = TOps.Zero, t21 = TOps.Zero;
            TBytes t30 = TOps.Zero, t31 = TOps.Zero;
            TBytes t40 = TOps.Zero, t41 = TOps.Zero;
            TBytes t50 = TOps.Zero, t51 = TOps.Zero;
            TBytes s00 = TOps.Zero, s01 = TOps.Zero;
            TBytes s10 = TOps.Zero, s11 = TOps.Zero;
            TBytes s20 = TOps.Zero, s21 = TOps.Zero;
            TBytes s30 = TOps.Zero, s31 = TOps.Zero;
            TBytes s40 = TOps.Zero, s41 = TOps.Zero;
            TBytes s50 = TOps.Zero, s51 = TOps.Zero;
            for (int group = 0; group < GroupCount; group++)
            {
                TBytes x;
                if (HasStarts)
                {
                    s00 = s01 = TOps.Broadcast(starts);
                    if (TWidth.Count > 1)
                    {
                        s10 = s11 = TOps.Broadcast(starts + 1);
                    }
                    if (TWidth.Count > 2)
                    {
                        s20 = s21 = TOps.Broadcast(starts + 2);
                    }
                    if (TWidth.Count > 3)
                    {
                        s30 = s31 = TOps.Broadcast(starts + 3);
                    }
                    if (TWidth.Count > 4)
                    {
                        s40 = s41 = TOps.Broadcast(starts + 4);
                    }
                    if (TWidth.Count > 5)
                    {
                        s50 = s51 = TOps.Broadcast(starts + 5);
                    }
                    starts += TWidth.Count;
                }
                else
                {
                    s00 = s01 = TOps.Zero;
                    s10 = s11 = TOps.Zero;
                    s20 = s21 = TOps.Zero;
                    s30 = s31 = TOps.Zero;
                    s40 = s41 = TOps.Zero;
                    s50 = s51 = TOps.Zero;
                }
                for (int step = 0; step < TLayout.GroupLength / 4; step++)
                {
                    TBytes w0 = TOps.Load(panel);
                    TBytes w1 = TOps.Load(panel + TOps.Rows);
                    x = TOps.Broadcast(tile);
                    s00 = TOps.Accumulate(s00, w0, x);
                    s01 = TOps.Accumulate(s01, w1, x);
                    if (TWidth.Count > 1)
                    {
                        x = TOps.Broadcast(tile + 1);
                        s10 = TOps.Accumulate(s10, w0, x);
                        s11 = TOps.Accumulate(s11, w1, x);
                    }
                    if (TWidth.Count > 2)
                    {
                        x = TOps.Broadcast(tile + 2);
                        s20 = TOps.Accumulate(s20, w0, x);
                        s21 = TOps.Accumulate(s21, w1, x);
                    }
                    if (TWidth.Count > 3)
                    {
                        x = TOps.Broadcast(tile + 3);
                        s30 = TOps.Accumulate(s30, w0, x);
                        s31 = TOps.Accumulate(s31, w1, x);
                    }
                    if (TWidth.Count > 4)
                    {
                        x = TOps.Broadcast(tile + 4);
                        s40 = TOps.Accumulate(s40, w0, x);
                        s41 = TOps.Accumulate(s41, w1, x);
                    }
                    if (TWidth.Count > 5)
                    {
                        x = TOps.Broadcast(tile + 5);
                        s50 = TOps.Accumulate(s50, w0, x);
                        s51 = TOps.Accumulate(s51, w1, x);
                    }
                    panel += PanelRowCount;
                    tile += TWidth.Count;
                }
                if (TLayout.HasGroupScales)
                {
                    TBytes f0 = TOps.Load(scaleWords);
                    TBytes f1 = TOps.Load(scaleWords + TOps.Rows);
                    scaleWords += PanelRowCount;
                    t00 = TOps.AddWords(t00, TOps.ScaleSums(s00, f0));
                    t01 = TOps.AddWords(t01, TOps.ScaleSums(s01, f1));
                    if (TWidth.Count > 1)
                    {
                        t10 = TOps.AddWords(t10, TOps.ScaleSums(s10, f0));
                        t11 = TOps.AddWords(t11, TOps.ScaleSums(s11, f1));
                    }
                    if (TWidth.Count > 2)
                    {
                        t20 = TOps.AddWords(t20, TOps.ScaleSums(s20, f0));
                        t21 = TOps.AddWords(t21, TOps.ScaleSums(s21, f1));
                    }
                    if (TWidth.Count > 3)
                    {
                        t30 = TOps.AddWords(t30, TOps.ScaleSums(s30, f0));
                        t31 = TOps.AddWords(t31, TOps.ScaleSums(s31, f1));
                    }
                    if (TWidth.Count > 4)
                    {
                        t40 = TOps.AddWords(t40, TOps.ScaleSums(s40, f0));
                        t41 = TOps.AddWords(t41, TOps.ScaleSums(s41, f1));
                    }
                    if (TWidth.Count > 5)
                    {
                        t50 = TOps.AddWords(t50, TOps.ScaleSums(s50, f0));
                        t51 = TOps.AddWords(t51, TOps.ScaleSums(s51, f1));
                    }
                }
                else
                {
                    t00 = TOps.JoinSums(s00);
                    t01 = TOps.JoinSums(s01);
                    t10 = TOps.JoinSums(s10);
                    t11 = TOps.JoinSums(s11);
                    t20 = TOps.JoinSums(s20);
                    t21 = TOps.JoinSums(s21);
                    t30 = TOps.JoinSums(s30);
                    t31 = TOps.JoinSums(s31);
                    t40 = TOps.JoinSums(s40);
                    t41 = TOps.JoinSums(s41);
                    t50 = TOps.JoinSums(s50);
                    t51 = TOps.JoinSums(s51);
                }
            }
            // Both have passed their codes; what follows them in memory has been read by other pointers.
            panel = scaleWords;
            tile = starts;
            if (TLayout.HasMinima)
            {
                s00 = s01 = TOps.Zero;
                s10 = s11 = TOps.Zero;
                s20 = s21 = TOps.Zero;
                s30 = s31 = TOps.Zero;
                s40 = s41 = TOps.Zero;
                s50 = s51 = TOps.Zero;
                for (int pair = 0; pair < GroupCount / 2; pair++)
                {
                    TBytes w0 = TOps.Load(panel);
                    TBytes w1 = TOps.Load(panel + TOps.Rows);
                    TBytes x;
                    x = TOps.Broadcast(tile);
                    s00 = TOps.AddWords(s00, TOps.MultiplyPairs(w0, x));
                    s01 = TOps.AddWords(s01, TOps.MultiplyPairs(w1, x));
                    if (TWidth.Count > 1)
                    {
                        x = TOps.Broadcast(tile + 1);
                        s10 = TOps.AddWords(s10, TOps.MultiplyPairs(w0, x));
                        s11 = TOps.AddWords(s11, TOps.MultiplyPairs(w1, x));
                    }
                    if (TWidth.Count > 2)
                    {
                        x = TOps.Broadcast(tile + 2);
                        s20 = TOps.AddWords(s20, TOps.MultiplyPairs(w0, x));
                        s21 = TOps.AddWords(s21, TOps.MultiplyPairs(w1, x));
                    }
                    if (TWidth.Count > 3)
                    {
                        x = TOps.Broadcast(tile + 3);
                        s30 = TOps.AddWords(s30, TOps.MultiplyPairs(w0, x));
                        s31 = TOps.AddWords(s31, TOps.MultiplyPairs(w1, x));
                    }
                    if (TWidth.Count > 4)
                    {
                        x = TOps.Broadcast(tile + 4);
                        s40 = TOps.AddWords(s40, TOps.MultiplyPairs(w0, x));
                        s41 = TOps.AddWords(s41, TOps.MultiplyPairs(w1, x));
                    }
                    if (TWidth.Count > 5)
                    {
                        x = TOps.Broadcast(tile + 5);
                        s50 = TOps.AddWords(s50, TOps.MultiplyPairs(w0, x));
                        s51 = TOps.AddWords(s51, TOps.MultiplyPairs(w1, x));
                    }
                    panel += PanelRowCount;
                    tile += TWidth.Count;
                }
            }
            float* rowScales = (float*)panel;
            float* tokenScales = (float*)tile;
            float* to = results;
            Add(t00, s00, rowScales, tokenScales, TWidth.Count, to);
            Add(t01, s01, rowScales + TOps.Rows, tokenScales, TWidth.Count, to + TOps.Rows);
            if (TWidth.Count > 1)
            {
                Add(t10, s10, rowScales, tokenScales + 1, TWidth.Count, to + 1 * PanelRowCount);
                Add(t11, s11, rowScales + TOps.Rows, tokenScales + 1, TWidth.Count, to + 1 * PanelRowCount + TOps.Rows);
            }
            if (TWidth.Count > 2)
            {
                Add(t20, s20, rowScales, tokenScales + 2, TWidth.Count, to + 2 * PanelRowCount);
                Add(t21, s21, rowScales + TOps.Rows, tokenScales + 2, TWidth.Count, to + 2 * PanelRowCount + TOps.Rows);
            }
            if (TWidth.Count > 3)
            {
                Add(t30, s30, rowScales, tokenScales + 3, TWidth.Count, to + 3 * PanelRowCount);
                Add(t31, s31, rowScales + TOps.Rows, tokenScales + 3, TWidth.Count, to + 3 * PanelRowCount + TOps.Rows);
            }
            if (TWidth.Count > 4)
            {
                Add(t40, s40, rowScales, tokenScales + 4, TWidth.Count, to + 4 * PanelRowCount);
                Add(t41, s41, rowScales + TOps.Rows, tokenScales + 4, TWidth.Count, to + 4 * PanelRowCount + TOps.Rows);
            }
            if (TWidth.Count > 5)
            {
                Add(t50, s50, rowScales, tokenScales + 5, TWidth.Count, to + 5 * PanelRowCount);
                Add(t51, s51, rowScales + TOps.Rows, tokenScales + 5, TWidth.Count, to + 5 * PanelRowCount + TOps.Rows);
            }
            panel += TLayout.HasMinima || TLayout.HasOffsets ? 2 * PanelRowCount : PanelRowCount;
            tile += TLayout.HasOffsets ? 2 * TWidth.Count : TWidth.Count;
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Add(TBytes words, TBytes minima, float* rowScales, float* tokenScale, int tokenCount, float* destination)
    {
        TBytes sum = TOps.AddScaled(TOps.Load(destination), words, TOps.Load(rowScales), *tokenScale);
        if (TLayout.HasMinima)
            sum = TOps.AddScaled(sum, minima, TOps.Load(rowScales + PanelRowCount), *tokenScale);
        else if (TLayout.HasOffsets)
            sum = TOps.AddProducts(sum, TOps.Load(rowScales + PanelRowCount), tokenScale[tokenCount]);
        TOps.Store(destination, sum);
    }
}
