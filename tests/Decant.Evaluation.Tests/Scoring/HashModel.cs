using Decant.Engine.Inference;
using Decant.Evaluation.Scoring;

namespace Decant.Evaluation.Tests.Scoring;

/// <summary>
/// A model whose logits depend on every id since the last reset, so that a window begun in the wrong place, a tile joined wrongly or a forgotten reset
/// changes every number.
/// </summary>
internal sealed class HashModel(int vocabularySize, int seed, int capacity = 4096) : ILogitsSource
{
    private uint state;
    private int length;

    public int ResetCount { get; private set; }

    public int LongestCall { get; private set; }

    /// <summary>Replaces the logits of one position of the current window, counted from the reset.</summary>
    public (int Position, float Value)? Spoiled { get; init; }

    public string Name => $"hash-{seed}";

    public int VocabularySize => vocabularySize;

    public int Capacity => capacity;

    public int BatchLength { get; init; } = 100;

    /// <summary>The most windows read together.</summary>
    public int LargestBatch { get; private set; }

    public void Reset()
    {
        state = (uint)seed;
        length = 0;
        ResetCount++;
    }

    public void Score(ReadOnlySpan<int> ids, int firstPosition, LogitsVisitor visit, CancellationToken cancellationToken)
    {
        LongestCall = Math.Max(LongestCall, ids.Length);
        Assert.True(length + ids.Length <= capacity);
        float[] logits = new float[vocabularySize];
        for (int i = 0; i < ids.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            state = state * 1664525u + (uint)ids[i] + 1013904223u;
            if (i < firstPosition)
                continue;
            uint value = state;
            for (int v = 0; v < logits.Length; v++)
            {
                value = value * 22695477u + 1u;
                logits[v] = (value >> 8) / (float)(1 << 22) - 2;
            }
            if (Spoiled is { } spoiled && length + i == spoiled.Position)
                logits[vocabularySize / 2] = spoiled.Value;
            visit(i, logits);
        }
        length += ids.Length;
    }

    public void ScoreWindows(IReadOnlyList<TokenWindow> windows, WindowBatch batch, BatchLogitsVisitor visit, CancellationToken cancellationToken)
    {
        LargestBatch = Math.Max(LargestBatch, batch.Count);
        Assert.True(batch.Count == 1 || windows.Skip(batch.First).Take(batch.Count).Sum(window => window.Ids.Length - 1) <= BatchLength);
        for (int i = 0; i < batch.Count; i++)
        {
            Reset();
            TokenWindow window = windows[batch.First + i];
            int entry = i;
            Score(window.Ids.Span[..^1], window.FirstTarget - 1, (position, logits) => visit(entry, position, logits), cancellationToken);
        }
    }

    public void Dispose()
    {
    }
}
