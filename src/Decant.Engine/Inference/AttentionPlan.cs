using Decant.Core.Architectures;

namespace Decant.Engine.Inference;

/// <summary>Columns of one text and key-value head, and a range of keys: what one thread computes by itself.</summary>
/// <param name="Segment">Which text.</param>
/// <param name="KeyHead">Which key-value head.</param>
/// <param name="FirstColumn">The first column: token · group size + head within the group.</param>
/// <param name="ColumnCount">Columns.</param>
/// <param name="FirstKey">The first key.</param>
/// <param name="KeyCount">Keys.</param>
/// <param name="IsTiled">True if the keys come in tiles.</param>
/// <param name="Group">Which <see cref="AttentionGroup"/> it is a piece of; −1 if it is whole.</param>
/// <param name="Piece">Which piece.</param>
/// <param name="CostBefore">The cost of all units before it.</param>
internal readonly record struct AttentionUnit(
    int Segment, int KeyHead, int FirstColumn, int ColumnCount, int FirstKey, int KeyCount, bool IsTiled, int Group, int Piece, long CostBefore);

/// <summary>Units that are the same columns over several pieces of the keys.</summary>
/// <param name="PieceCount">Pieces.</param>
/// <param name="FirstPartialRow">The first of the rows that hold the results of its columns, pieces of a column together.</param>
internal readonly record struct AttentionGroup(int PieceCount, long FirstPartialRow);

/// <summary>How the attention of a pass is cut into units. The cut depends on the texts only, so the number of threads changes no result.</summary>
internal sealed class AttentionPlan
{
    // Keys of a piece: for one token, whose keys must lie together, and for tiles. Pieces end at multiples of these. Joining pieces costs a row of values
    // each; short pieces divide more evenly among threads, which matters while there are few.
    public const int TokenPieceLength = KvCache.BlockLength;
    private const int ShortTokenPieceLength = KvCache.BlockLength / 2;
    public const int FewestKeysForWholeBlocks = 4 * KvCache.BlockLength;
    private const int TiledPieceLength = 4 * KvCache.BlockLength;

    // So many units of a text keep all threads busy without cutting its keys.
    private const int EnoughUnits = 48;

    // From so many columns of several tokens on, tiles are quicker than going along the keys token by token.
    private const int FewestTiledColumns = 8;

    // Up to this many elements of a key and its value, two panels read a tile one after another; with longer ones that is slower, for the panels
    // crowd the tile out of the first-level cache.
    private const int LongestRowsOfTwoPanels = 128;

    private AttentionUnit[] units = new AttentionUnit[64];
    private AttentionGroup[] groups = new AttentionGroup[16];
    private int unitCount;
    private int groupCount;

    /// <summary>Pairs of a column and a key, as if tiles were always full.</summary>
    public long Cost { get; private set; }

    /// <summary>Rows that pieces need for their results.</summary>
    public long PartialRowCount { get; private set; }

    /// <summary>Columns whose keys are cut.</summary>
    public ReadOnlySpan<AttentionGroup> Groups => groups.AsSpan(0, groupCount);

    /// <summary>Cuts the attention of a pass.</summary>
    /// <param name="spec">The kind of attention.</param>
    /// <param name="segments">The texts.</param>
    /// <param name="panelWidth">Columns of a full tile.</param>
    public void Make(AttentionSpec spec, List<Segment> segments, int panelWidth)
    {
        unitCount = groupCount = 0;
        Cost = PartialRowCount = 0;
        int groupSize = spec.HeadCount / spec.KeyValueHeadCount;
        for (int i = 0; i < segments.Count; i++)
        {
            Segment segment = segments[i];
            int columns = segment.RowCount * groupSize;
            bool isTiled = segment.RowCount > 1 && columns >= FewestTiledColumns;
            int width = !isTiled ? groupSize : spec.HeadSize + spec.ValueSize <= LongestRowsOfTwoPanels ? 2 * panelWidth : panelWidth;
            int blocks = (columns + width - 1) / width;
            int pieceLength = isTiled
                ? blocks * spec.KeyValueHeadCount >= EnoughUnits ? int.MaxValue : TiledPieceLength
                : segment.FirstPosition < FewestKeysForWholeBlocks ? ShortTokenPieceLength : TokenPieceLength;
            for (int head = 0; head < spec.KeyValueHeadCount; head++)
            {
                for (int first = 0; first < columns; first += width)
                    AddColumns(spec, segment, i, head, first, Math.Min(width, columns - first), groupSize, isTiled, pieceLength);
            }
        }
    }

    /// <summary>The units of a part: consecutive ones, of nearly the same cost in every part.</summary>
    public ReadOnlySpan<AttentionUnit> UnitsOf(int part, int partCount)
    {
        int first = FirstUnit(part, partCount);
        return units.AsSpan(first, FirstUnit(part + 1, partCount) - first);
    }

    private void AddColumns(
        AttentionSpec spec, Segment segment, int index, int head, int firstColumn, int columnCount, int groupSize, bool isTiled, int pieceLength)
    {
        int firstPosition = segment.FirstPosition + firstColumn / groupSize;
        int firstKey = spec.Window is { } window ? Math.Max(0, firstPosition - window + 1) : 0;
        int endKey = segment.FirstPosition + (firstColumn + columnCount - 1) / groupSize + 1;
        if (spec.Bidirectional)
            endKey = (int)Math.Min(segment.TextLength, endKey - 1 + (long)(spec.Window ?? int.MaxValue));
        int firstPiece = firstKey / pieceLength;
        int pieces = (endKey - 1) / pieceLength + 1 - firstPiece;
        int group = -1;
        if (pieces > 1)
        {
            group = groupCount++;
            if (groups.Length < groupCount)
                Array.Resize(ref groups, 2 * groupCount);
            groups[group] = new AttentionGroup(pieces, PartialRowCount);
            PartialRowCount += (long)pieces * columnCount;
        }
        for (int piece = 0; piece < pieces; piece++)
        {
            int begin = Math.Max(firstKey, (firstPiece + piece) * pieceLength);
            int count = (int)Math.Min(endKey, ((long)firstPiece + piece + 1) * pieceLength) - begin;
            if (units.Length == unitCount)
                Array.Resize(ref units, 2 * unitCount);
            units[unitCount++] = new AttentionUnit(index, head, firstColumn, columnCount, begin, count, isTiled, group, piece, Cost);
            Cost += (long)columnCount * count;
        }
    }

    /// <summary>The first unit that begins at or after the part's share of the cost.</summary>
    private int FirstUnit(int part, int partCount)
    {
        long share = (long)((Int128)Cost * part / partCount);
        int low = 0;
        int high = unitCount;
        while (low < high)
        {
            int middle = (low + high) / 2;
            if (units[middle].CostBefore < share)
                low = middle + 1;
            else
                high = middle;
        }
        return low;
    }
}
