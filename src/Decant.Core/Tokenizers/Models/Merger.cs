using System.Buffers;

namespace Decant.Core.Tokenizers.Models;

/// <summary>
/// Merges neighbouring symbols, lowest rank first and leftmost among equals. Short words are scanned again after every merge; long ones use
/// a heap, so that a word of a million characters takes n log n steps.
/// </summary>
internal static class Merger
{
    /// <summary>Up to this many symbols the scan is quicker than the heap (measured on English words).</summary>
    private const int LongestScanned = 48;

    /// <summary>Merges the symbols in place.</summary>
    /// <param name="merges">The merges.</param>
    /// <param name="ids">Symbols; afterwards the tokens, at the front.</param>
    /// <param name="byteCounts">Bytes of text of each.</param>
    /// <returns>The number of tokens.</returns>
    public static int Merge(MergeTable merges, Span<int> ids, Span<int> byteCounts) =>
        ids.Length <= LongestScanned ? MergeByScan(merges, ids, byteCounts) : MergeByHeap(merges, ids, byteCounts);

    private static int MergeByScan(MergeTable merges, Span<int> ids, Span<int> byteCounts)
    {
        int count = ids.Length;
        if (count < 2)
            return count;
        Span<int> ranks = stackalloc int[LongestScanned];
        Span<int> results = stackalloc int[LongestScanned];
        for (int i = 0; i + 1 < count; i++)
            ranks[i] = merges.Find(ids[i], ids[i + 1], out results[i]);
        while (count > 1)
        {
            int best = 0;
            int bestRank = ranks[0];
            for (int i = 1; i + 1 < count; i++)
            {
                if (ranks[i] < bestRank)
                    (best, bestRank) = (i, ranks[i]);
            }
            if (bestRank == MergeTable.NoRank)
                break;
            ids[best] = results[best];
            byteCounts[best] += byteCounts[best + 1];
            count--;
            for (int i = best + 1; i < count; i++)
            {
                ids[i] = ids[i + 1];
                byteCounts[i] = byteCounts[i + 1];
                ranks[i - 1] = ranks[i];
                results[i - 1] = results[i];
            }
            if (best + 1 < count)
                ranks[best] = merges.Find(ids[best], ids[best + 1], out results[best]);
            if (best > 0)
                ranks[best - 1] = merges.Find(ids[best - 1], ids[best], out results[best - 1]);
        }
        return count;
    }

    private static int MergeByHeap(MergeTable merges, Span<int> ids, Span<int> byteCounts)
    {
        int count = ids.Length;
        int[] next = ArrayPool<int>.Shared.Rent(count);
        int[] previous = ArrayPool<int>.Shared.Rent(count);
        // Every merge takes one symbol away and adds at most two entries.
        ulong[] entries = ArrayPool<ulong>.Shared.Rent(checked(count * 3));
        var heap = new Heap(entries);
        for (int i = 0; i < count; i++)
        {
            next[i] = i + 1 < count ? i + 1 : -1;
            previous[i] = i - 1;
            if (i + 1 < count && merges.Find(ids[i], ids[i + 1], out _) is not MergeTable.NoRank and int rank)
                heap.Append(rank, i);
        }
        heap.Order();
        while (heap.TryTake(out int rank, out int position))
        {
            int right = next[position];
            // An entry is stale if its symbol is gone or its pair has changed since; the new pair has an entry of its own.
            if (byteCounts[position] < 0 || right < 0 || merges.Find(ids[position], ids[right], out int result) != rank)
                continue;
            ids[position] = result;
            byteCounts[position] += byteCounts[right];
            byteCounts[right] = -1;
            int after = next[right];
            next[position] = after;
            if (after >= 0)
            {
                previous[after] = position;
                if (merges.Find(result, ids[after], out _) is not MergeTable.NoRank and int newRank)
                    heap.Add(newRank, position);
            }
            int before = previous[position];
            if (before >= 0 && merges.Find(ids[before], result, out _) is not MergeTable.NoRank and int rankBefore)
                heap.Add(rankBefore, before);
        }
        int kept = 0;
        for (int i = 0; i >= 0; i = next[i])
        {
            ids[kept] = ids[i];
            byteCounts[kept++] = byteCounts[i];
        }
        ArrayPool<int>.Shared.Return(next);
        ArrayPool<int>.Shared.Return(previous);
        ArrayPool<ulong>.Shared.Return(entries);
        return kept;
    }

    /// <summary>A binary heap of (rank, position), lowest rank and then lowest position first.</summary>
    private ref struct Heap(ulong[] entries)
    {
        private int count;

        public void Append(int rank, int position) => entries[count++] = (ulong)(uint)rank << 32 | (uint)position;

        public void Order()
        {
            for (int i = count / 2 - 1; i >= 0; i--)
                SiftDown(i, entries[i]);
        }

        public void Add(int rank, int position)
        {
            ulong entry = (ulong)(uint)rank << 32 | (uint)position;
            int i = count++;
            while (i > 0 && entries[(i - 1) / 2] > entry)
            {
                entries[i] = entries[(i - 1) / 2];
                i = (i - 1) / 2;
            }
            entries[i] = entry;
        }

        public bool TryTake(out int rank, out int position)
        {
            if (count == 0)
            {
                (rank, position) = (0, 0);
                return false;
            }
            (rank, position) = ((int)(entries[0] >> 32), (int)(entries[0] & uint.MaxValue));
            ulong last = entries[--count];
            if (count > 0)
                SiftDown(0, last);
            return true;
        }

        private readonly void SiftDown(int i, ulong entry)
        {
            while (true)
            {
                int child = 2 * i + 1;
                if (child >= count)
                    break;
                if (child + 1 < count && entries[child + 1] < entries[child])
                    child++;
                if (entries[child] >= entry)
                    break;
                entries[i] = entries[child];
                i = child;
            }
            entries[i] = entry;
        }
    }
}
