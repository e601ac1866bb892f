using System.Text;
using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>When Metaspace puts its mark in front.</summary>
internal enum PrependScheme
{
    /// <summary>Of every stretch between added tokens.</summary>
    Always,
    /// <summary>Of the stretch at the start of the text.</summary>
    First,
    /// <summary>Of none.</summary>
    Never,
}

/// <summary>SentencePiece's spaces: each becomes ▁, one may be put in front, and each ▁ may start a word.</summary>
internal sealed class MetaspacePreTokenizer(string replacement, PrependScheme scheme, bool splits) : PreTokenizer, ISplitter
{
    /// <summary>When the mark is put in front.</summary>
    public PrependScheme Scheme { get; } = scheme;

    /// <summary>True if each mark starts a word.</summary>
    public bool Splits { get; } = splits;

    /// <summary>True if its mark is SentencePiece's ▁.</summary>
    public bool IsSentencePieces { get; } = replacement == "\u2581";

    private readonly byte[] mark = Encoding.UTF8.GetBytes(replacement);

    /// <inheritdoc/>
    public override void Apply(WordList words)
    {
        words.Rewrite(Rewrite);
        if (Splits)
            words.Split(this);
        void Rewrite(AlignedTextBuilder builder, Word word)
        {
            ReadOnlySpan<byte> text = words.Text.Bytes.Slice(word.Start, word.Length);
            bool isMarked = text[0] == (byte)' ' || text.StartsWith(mark);
            if (!isMarked && (Scheme == PrependScheme.Always || Scheme == PrependScheme.First && word.Start == 0 && words.Text.BeginsSource))
                builder.InsertBefore(mark);
            for (int start = 0; ;)
            {
                int step = text[start..].IndexOf((byte)' ');
                if (step < 0)
                    break;
                builder.CopyUpTo(word.Start + start + step);
                builder.Replace(1, mark);
                start += step + 1;
            }
            builder.CopyUpTo(word.Start + word.Length);
        }
    }

    /// <inheritdoc/>
    public int NextEnd(ReadOnlySpan<byte> text, int start)
    {
        int from = start + (text[start..].StartsWith(mark) ? mark.Length : 0);
        int step = text[from..].IndexOf(mark);
        return step < 0 ? text.Length : Math.Max(from + step, start + 1);
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "Metaspace",
        ["replacement"] = replacement,
        ["prepend_scheme"] = SchemeName(Scheme),
        ["split"] = Splits,
    };

    /// <summary>The name of a scheme in tokenizer.json.</summary>
    public static string SchemeName(PrependScheme scheme) => scheme switch
    {
        PrependScheme.Always => "always",
        PrependScheme.First => "first",
        _ => "never",
    };
}
