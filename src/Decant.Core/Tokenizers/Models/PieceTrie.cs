namespace Decant.Core.Tokenizers.Models;

/// <summary>Byte strings with ids, followed byte by byte. Steps from the root are an array, others a hash table of (node, byte).</summary>
internal sealed class PieceTrie
{
    /// <summary>The node before the first byte.</summary>
    public const int Root = 0;

    private readonly int[] first = new int[256];
    private readonly List<int> ids = [-1];
    private ulong[] keys = new ulong[1 << 10];
    private int[] targets = new int[1 << 10];
    private int edgeCount;

    /// <summary>Adds a string.</summary>
    public void Add(ReadOnlySpan<byte> text, int id)
    {
        int node = Root;
        foreach (byte b in text)
            node = StepOrAdd(node, b);
        ids[node] = id;
    }

    /// <summary>Follows a byte.</summary>
    /// <param name="node">Where from, and to.</param>
    /// <param name="next">The byte.</param>
    /// <param name="id">The id of the string up to here, or −1.</param>
    /// <returns>False if no string goes on so.</returns>
    public bool TryStep(ref int node, byte next, out int id)
    {
        node = node == Root ? first[next] : Find(node, next);
        id = ids[node];
        return node != Root;
    }

    /// <summary>The length of the longest string here that a text begins with; 0 if there is none.</summary>
    public int LongestPrefix(ReadOnlySpan<byte> text)
    {
        int node = Root, longest = 0;
        for (int i = 0; i < text.Length && TryStep(ref node, text[i], out int id); i++)
        {
            if (id >= 0)
                longest = i + 1;
        }
        return longest;
    }

    private int StepOrAdd(int node, byte next)
    {
        int found = node == Root ? first[next] : Find(node, next);
        if (found != Root)
            return found;
        ids.Add(-1);
        int added = ids.Count - 1;
        if (node == Root)
            first[next] = added;
        else
            Insert(Key(node, next), added);
        return added;
    }

    private int Find(int node, byte next)
    {
        ulong key = Key(node, next);
        for (int slot = Slot(key); keys[slot] != 0; slot = slot + 1 & keys.Length - 1)
        {
            if (keys[slot] == key)
                return targets[slot];
        }
        return Root;
    }

    private void Insert(ulong key, int target)
    {
        if (2 * ++edgeCount > keys.Length)
        {
            (ulong[] oldKeys, int[] oldTargets) = (keys, targets);
            keys = new ulong[oldKeys.Length * 2];
            targets = new int[keys.Length];
            for (int i = 0; i < oldKeys.Length; i++)
            {
                if (oldKeys[i] != 0)
                    Place(oldKeys[i], oldTargets[i]);
            }
        }
        Place(key, target);
    }

    private void Place(ulong key, int target)
    {
        int slot = Slot(key);
        while (keys[slot] != 0)
            slot = slot + 1 & keys.Length - 1;
        keys[slot] = key;
        targets[slot] = target;
    }

    // Nodes other than the root are numbered from 1, so no key is 0.
    private static ulong Key(int node, byte next) => (ulong)node << 8 | next;

    private int Slot(ulong key) => (int)(key * 0x9E37_79B9_7F4A_7C15 >> 32) & keys.Length - 1;
}
