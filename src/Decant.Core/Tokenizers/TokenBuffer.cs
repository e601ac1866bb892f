namespace Decant.Core.Tokenizers;

/// <summary>Growing arrays of ids and of the bytes of text each id stands for: what a model writes for one word.</summary>
internal sealed class TokenBuffer
{
    private int[] ids = new int[256];
    private int[] byteCounts = new int[256];

    /// <summary>Number of tokens.</summary>
    public int Count { get; private set; }

    /// <summary>The ids.</summary>
    public ReadOnlySpan<int> Ids => ids.AsSpan(0, Count);

    /// <summary>Bytes of text per token.</summary>
    public ReadOnlySpan<int> ByteCounts => byteCounts.AsSpan(0, Count);

    /// <summary>Forgets the tokens.</summary>
    public void Clear() => Count = 0;

    /// <summary>Appends a token.</summary>
    public void Add(int id, int byteCount)
    {
        Reserve(1);
        ids[Count] = id;
        byteCounts[Count++] = byteCount;
    }

    /// <summary>Appends tokens.</summary>
    public void Add(ReadOnlySpan<int> newIds, ReadOnlySpan<int> newByteCounts)
    {
        Reserve(newIds.Length);
        newIds.CopyTo(ids.AsSpan(Count));
        newByteCounts.CopyTo(byteCounts.AsSpan(Count));
        Count += newIds.Length;
    }

    private void Reserve(int count)
    {
        if (Count + count <= ids.Length)
            return;
        int capacity = Math.Max(ids.Length * 2, Count + count);
        Array.Resize(ref ids, capacity);
        Array.Resize(ref byteCounts, capacity);
    }
}
