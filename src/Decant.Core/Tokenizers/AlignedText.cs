using System.Text;
using Decant.Core.Errors;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers;

/// <summary>
/// Text on its way through the tokenizer: well-formed UTF-8 and, if asked for, the range of source code points that every byte came from.
/// Immutable; slices share memory.
/// </summary>
internal sealed class AlignedText
{
    // The most that Unicode's own rules do is 18 code points for one (U+FDFA under NFKC), 11 bytes for one.
    private const long GreatestGrowth = 64;
    private const long ShortestLimit = 4096;

    private readonly byte[] buffer;
    private readonly int[]? sourceStarts;
    private readonly int[]? sourceEnds;
    private readonly int offset;

    /// <summary>Wraps arrays that are not changed afterwards.</summary>
    public AlignedText(byte[] buffer, int offset, int length, int[]? sourceStarts, int[]? sourceEnds, bool beginsSource, long longestResult)
    {
        LongestResult = longestResult;
        this.buffer = buffer;
        this.offset = offset;
        this.sourceStarts = sourceStarts;
        this.sourceEnds = sourceEnds;
        Length = length;
        BeginsSource = beginsSource;
    }

    /// <summary>Length in bytes.</summary>
    public int Length { get; }

    /// <summary>True if this starts where the whole text starts (Metaspace's <c>prepend_scheme: first</c> asks).</summary>
    public bool BeginsSource { get; }

    /// <summary>How many bytes may be made of this; rules that make more are refused, for a file can hold rules that double a text again and again.</summary>
    public long LongestResult { get; }

    /// <summary>True if source ranges are tracked.</summary>
    public bool IsAligned => sourceStarts is not null;

    /// <summary>The UTF-8.</summary>
    public ReadOnlySpan<byte> Bytes => buffer.AsSpan(offset, Length);

    /// <summary>Encodes a string; an unpaired surrogate becomes U+FFFD and counts as one code point.</summary>
    public static AlignedText FromSource(string text, bool isAligned)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        long longestResult = Math.Max(utf8.Length * GreatestGrowth, ShortestLimit);
        if (!isAligned)
            return new AlignedText(utf8, 0, utf8.Length, null, null, true, longestResult);
        int[] starts = new int[utf8.Length];
        int[] ends = new int[utf8.Length];
        int codePointIndex = -1;
        for (int i = 0; i < utf8.Length; i++)
        {
            if ((utf8[i] & 0xC0) != 0x80)
                codePointIndex++;
            starts[i] = codePointIndex;
            ends[i] = codePointIndex + 1;
        }
        return new AlignedText(utf8, 0, utf8.Length, starts, ends, true, longestResult);
    }

    /// <summary>A part, in bytes; both ends are at code point boundaries.</summary>
    public AlignedText Slice(int start, int length) => start == 0 && length == Length
        ? this
        : new AlignedText(buffer, offset + start, length, sourceStarts, sourceEnds, BeginsSource && start == 0, LongestResult);

    /// <summary>The source range of the byte at <paramref name="index"/>; (0, 0) if not tracked.</summary>
    public TextRange SourceOf(int index) => sourceStarts is null ? default : new TextRange(sourceStarts[offset + index], sourceEnds![offset + index]);

    /// <summary>The source range of some bytes: from the start of the first one's to the end of the last one's.</summary>
    public TextRange SourceOf(int start, int length)
    {
        if (sourceStarts is null || Length == 0)
            return default;
        if (length <= 0 || start >= Length)
        {
            int at = start < Length ? sourceStarts[offset + start] : sourceEnds![offset + Length - 1];
            return new TextRange(at, at);
        }
        int last = Math.Min(start + length, Length) - 1;
        return new TextRange(sourceStarts[offset + start], sourceEnds![offset + last]);
    }

    /// <summary>Copies bytes, and source ranges if tracked, into the arrays of a builder.</summary>
    public void CopyTo(int start, int length, byte[] bytes, int[]? starts, int[]? ends, int destination)
    {
        Array.Copy(buffer, offset + start, bytes, destination, length);
        if (starts is not null)
        {
            Array.Copy(sourceStarts!, offset + start, starts, destination, length);
            Array.Copy(sourceEnds!, offset + start, ends!, destination, length);
        }
    }

    /// <summary>The text.</summary>
    public override string ToString() => Encoding.UTF8.GetString(Bytes);
}

/// <summary>
/// Writes a changed copy of an <see cref="AlignedText"/>, walking over it from start to end. Source ranges follow the reference
/// tokenizers: a code point that replaces another takes over its range, an inserted one repeats the range before it.
/// </summary>
internal sealed class AlignedTextBuilder
{
    private readonly AlignedText source;
    private byte[] bytes;
    private int[]? starts;
    private int[]? ends;
    private int position;
    private bool beginsSource;

    /// <summary>Starts at the beginning of <paramref name="source"/>.</summary>
    public AlignedTextBuilder(AlignedText source)
    {
        this.source = source;
        int capacity = source.Length + source.Length / 4 + 16;
        bytes = new byte[capacity];
        if (source.IsAligned)
        {
            starts = new int[capacity];
            ends = new int[capacity];
        }
        beginsSource = source.BeginsSource;
    }

    /// <summary>Bytes written so far.</summary>
    public int Length { get; private set; }

    /// <summary>Jumps forward or back in the source, writing nothing.</summary>
    public void SeekTo(int sourceIndex)
    {
        if (Length == 0 && sourceIndex > 0)
            beginsSource = false;
        position = sourceIndex;
    }

    /// <summary>Copies the source from the present position up to <paramref name="sourceIndex"/>.</summary>
    public void CopyUpTo(int sourceIndex)
    {
        int length = sourceIndex - position;
        Reserve(length);
        source.CopyTo(position, length, bytes, starts, ends, Length);
        Length += length;
        position = sourceIndex;
    }

    /// <summary>Writes a code point in place of the next <paramref name="replacedCount"/> code points of the source, or inserts it if that is 0.</summary>
    public void Write(int codePoint, int replacedCount)
    {
        TextRange range = replacedCount == 0
            ? position > 0 ? source.SourceOf(position - 1) : default
            : source.SourceOf(Math.Min(position, source.Length - 1));
        Reserve(4);
        int length = Utf8.Write(codePoint, bytes.AsSpan(Length));
        Mark(length, range);
        for (; replacedCount > 0 && position < source.Length; replacedCount--)
            position += Utf8.LengthOf(source.Bytes[position]);
    }

    /// <summary>Leaves out bytes of the source and writes others, which take the range of the last byte left out.</summary>
    public void Replace(int sourceByteCount, ReadOnlySpan<byte> replacement)
    {
        position += sourceByteCount;
        WriteBytes(replacement, source.SourceOf(position - 1));
    }

    /// <summary>Leaves out bytes of the source and writes others, which take the range of all of them.</summary>
    public void ReplaceWhole(int sourceByteCount, ReadOnlySpan<byte> replacement)
    {
        WriteBytes(replacement, source.SourceOf(position, sourceByteCount));
        position += sourceByteCount;
    }

    /// <summary>Takes bytes written at the end away again, as often as they stand there.</summary>
    public void TrimEnd(ReadOnlySpan<byte> ending)
    {
        while (bytes.AsSpan(0, Length).EndsWith(ending))
            Length -= ending.Length;
    }

    /// <summary>Writes bytes that take the range of what comes next in the source, or of what was last if nothing does.</summary>
    public void InsertBefore(ReadOnlySpan<byte> inserted) => WriteBytes(inserted, source.SourceOf(Math.Min(position, source.Length - 1)));

    /// <summary>Writes bytes that take the range of what was last in the source, or an empty one at its start.</summary>
    public void InsertAfter(ReadOnlySpan<byte> inserted) => WriteBytes(inserted, position > 0 ? source.SourceOf(position - 1) : default);

    /// <summary>The text written. The builder is not used afterwards.</summary>
    public AlignedText ToText() => new(bytes, 0, Length, starts, ends, beginsSource, source.LongestResult);

    private void WriteBytes(ReadOnlySpan<byte> added, TextRange range)
    {
        Reserve(added.Length);
        added.CopyTo(bytes.AsSpan(Length));
        Mark(added.Length, range);
    }

    private void Mark(int length, TextRange range)
    {
        starts?.AsSpan(Length, length).Fill(range.Start);
        ends?.AsSpan(Length, length).Fill(range.End);
        Length += length;
    }

    private void Reserve(int length)
    {
        if (Length + length <= bytes.Length)
            return;
        if (Length + (long)length > source.LongestResult)
            throw new NotSupportedModelException("The tokenizer's rules make the text more than 64 times as long as it was.");
        int capacity = (int)Math.Min(Math.Max(bytes.Length * 2L, Length + (long)length), Array.MaxLength);
        Array.Resize(ref bytes, capacity);
        if (starts is not null)
        {
            Array.Resize(ref starts, capacity);
            Array.Resize(ref ends, capacity);
        }
    }
}
