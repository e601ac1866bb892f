namespace Decant.Engine.Inference;

/// <summary>A text as an encoder has read it: the keys and values of every decoder block's cross-attention. Sessions share it; the last one frees it.</summary>
/// <param name="cache">Keys and values; a layer for each block.</param>
/// <param name="length">Tokens.</param>
/// <param name="hiddenKeys">Those that no query sees, or null.</param>
internal sealed class EncodedSource(KvCache cache, int length, bool[]? hiddenKeys) : IDisposable
{
    private int users = 1;

    /// <summary>Keys and values.</summary>
    public KvCache Cache { get; } = cache;

    /// <summary>Tokens.</summary>
    public int Length { get; } = length;

    /// <summary>True for tokens that no query sees; null if all are seen.</summary>
    public bool[]? HiddenKeys { get; } = hiddenKeys;

    /// <summary>Takes it for one session more.</summary>
    public EncodedSource Share()
    {
        Interlocked.Increment(ref users);
        return this;
    }

    /// <summary>Frees the memory if this was the last user.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref users) == 0)
            Cache.Dispose();
    }
}
