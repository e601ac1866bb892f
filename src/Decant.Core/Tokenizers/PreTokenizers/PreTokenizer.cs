using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Cuts the text between added tokens into the words that the model sees.</summary>
internal abstract class PreTokenizer
{
    /// <summary>Splits every word, or rewrites the text they lie in.</summary>
    public abstract void Apply(WordList words);

    /// <summary>The part as tokenizer.json writes it.</summary>
    public abstract JsonObject ToJson();
}

/// <summary>A word: bytes of a text.</summary>
/// <param name="Start">First byte.</param>
/// <param name="Length">Length in bytes, never 0.</param>
internal readonly record struct Word(int Start, int Length);

/// <summary>A text and the words it has been cut into so far.</summary>
internal sealed class WordList
{
    private List<Word> words = [];
    private List<Word> spare = [];

    /// <summary>Starts with the whole text as one word.</summary>
    public WordList(AlignedText text)
    {
        Text = text;
        if (text.Length > 0)
            words.Add(new Word(0, text.Length));
    }

    /// <summary>The text the words lie in.</summary>
    public AlignedText Text { get; private set; }

    /// <summary>The words in order.</summary>
    public IReadOnlyList<Word> Words => words;

    /// <summary>Cuts every word with a splitter.</summary>
    public void Split(ISplitter splitter)
    {
        spare.Clear();
        foreach (Word word in words)
        {
            ReadOnlySpan<byte> text = Text.Bytes.Slice(word.Start, word.Length);
            for (int start = 0; start < text.Length;)
            {
                int end = splitter.NextEnd(text, start);
                spare.Add(new Word(word.Start + start, end - start));
                start = end;
            }
        }
        (words, spare) = (spare, words);
    }

    /// <summary>Finds the pieces of a word, counted from its start.</summary>
    public delegate void Cutter(ReadOnlySpan<byte> word, List<Word> pieces);

    /// <summary>Cuts every word; pieces may leave out parts of it.</summary>
    public void Cut(Cutter cutter)
    {
        spare.Clear();
        foreach (Word word in words)
        {
            int first = spare.Count;
            cutter(Text.Bytes.Slice(word.Start, word.Length), spare);
            for (int i = first; i < spare.Count; i++)
                spare[i] = spare[i] with { Start = word.Start + spare[i].Start };
        }
        (words, spare) = (spare, words);
    }

    /// <summary>Decides about a word.</summary>
    public delegate bool Condition(ReadOnlySpan<byte> word);

    /// <summary>Leaves out words.</summary>
    public void Remove(Condition condition)
    {
        spare.Clear();
        foreach (Word word in words)
        {
            if (!condition(Text.Bytes.Slice(word.Start, word.Length)))
                spare.Add(word);
        }
        (words, spare) = (spare, words);
    }

    /// <summary>Rewrites every word: <paramref name="rewrite"/> gets a builder that stands at the word's start, and writes the word anew.</summary>
    public void Rewrite(Action<AlignedTextBuilder, Word> rewrite)
    {
        var builder = new AlignedTextBuilder(Text);
        spare.Clear();
        foreach (Word word in words)
        {
            int start = builder.Length;
            builder.SeekTo(word.Start);
            rewrite(builder, word);
            if (builder.Length > start)
                spare.Add(new Word(start, builder.Length - start));
        }
        (words, spare) = (spare, words);
        Text = builder.ToText();
    }
}

/// <summary>Where a word ends that starts at a given place: the pieces cover the whole text.</summary>
internal interface ISplitter
{
    /// <summary>One past the last byte of the piece that starts at <paramref name="start"/>; greater than it.</summary>
    int NextEnd(ReadOnlySpan<byte> text, int start);
}

/// <summary>Several pre-tokenizers in order.</summary>
internal sealed class SequencePreTokenizer(IReadOnlyList<PreTokenizer> parts) : PreTokenizer
{
    /// <summary>The parts.</summary>
    public IReadOnlyList<PreTokenizer> Parts { get; } = parts;

    /// <inheritdoc/>
    public override void Apply(WordList words)
    {
        foreach (PreTokenizer part in Parts)
            part.Apply(words);
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Sequence",
        ["pretokenizers"] = new JsonArray([.. Parts.Select(p => p.ToJson())]),
    };
}
