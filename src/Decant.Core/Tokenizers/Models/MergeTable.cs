namespace Decant.Core.Tokenizers.Models;

/// <summary>A merge of two neighbouring tokens.</summary>
/// <param name="Left">Id of the left token.</param>
/// <param name="Right">Id of the right token.</param>
/// <param name="Rank">Lower ranks merge first.</param>
/// <param name="Result">Id of the merged token.</param>
internal readonly record struct Merge(int Left, int Right, int Rank, int Result);

/// <summary>The merges of a BPE model by pair: an open-addressing hash table, read-only once built.</summary>
internal sealed class MergeTable
{
    /// <summary>The rank of a pair that does not merge.</summary>
    public const int NoRank = int.MaxValue;

    private const ulong EmptyKey = ulong.MaxValue;

    private readonly Slot[] slots;
    private readonly int shift;

    /// <summary>Builds the table; of several merges of one pair the last wins, as in the reference.</summary>
    public MergeTable(Merge[] merges)
    {
        int bits = 4;
        while (1L << bits < merges.Length * 2L)
            bits++;
        slots = new Slot[1 << bits];
        shift = 64 - bits;
        for (int i = 0; i < slots.Length; i++)
            slots[i] = new Slot(EmptyKey, NoRank, -1);
        foreach (Merge merge in merges)
        {
            ulong key = KeyOf(merge.Left, merge.Right);
            int i = IndexOf(key);
            while (slots[i].Key != EmptyKey && slots[i].Key != key)
                i = i + 1 & slots.Length - 1;
            slots[i] = new Slot(key, merge.Rank, merge.Result);
        }
    }

    /// <summary>The rank of a pair, or <see cref="NoRank"/>, and the merged token.</summary>
    public int Find(int left, int right, out int result)
    {
        ulong key = KeyOf(left, right);
        for (int i = IndexOf(key); ; i = i + 1 & slots.Length - 1)
        {
            ref readonly Slot slot = ref slots[i];
            if (slot.Key == key || slot.Key == EmptyKey)
            {
                result = slot.Result;
                return slot.Rank;
            }
        }
    }

    private static ulong KeyOf(int left, int right) => (ulong)(uint)left << 32 | (uint)right;

    private int IndexOf(ulong key)
    {
        ulong mixed = (key ^ key >> 29) * 0x9E3779B97F4A7C15;
        return (int)((mixed ^ mixed >> 31) * 0xBF58476D1CE4E5B9 >> shift);
    }

    private readonly record struct Slot(ulong Key, int Rank, int Result);
}
