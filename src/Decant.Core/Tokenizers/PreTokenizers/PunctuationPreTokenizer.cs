using System.Text.Json.Nodes;
using Decant.Core.Tokenizers.Unicode;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>Splits at punctuation, character by character.</summary>
/// <param name="behavior">What becomes of it.</param>
internal sealed class PunctuationPreTokenizer(SplitBehavior behavior) : PreTokenizer
{
    /// <inheritdoc/>
    public override void Apply(WordList words) => words.Cut(Cut);

    /// <inheritdoc/>
    public override JsonObject ToJson() => new() { ["type"] = "Punctuation", ["behavior"] = behavior.ToString() };

    private void Cut(ReadOnlySpan<byte> word, List<Word> pieces)
    {
        var cutter = new MatchCutter(behavior, pieces);
        int done = 0;
        for (int i = 0; i < word.Length;)
        {
            if (OlderCategories.IsPunctuation(Utf8.CodePointAt(word, i, out int length)))
            {
                if (i > done)
                    cutter.Add(done, i, isMatch: false);
                cutter.Add(i, done = i + length, isMatch: true);
            }
            i += length;
        }
        if (word.Length > done)
            cutter.Add(done, word.Length, isMatch: false);
    }
}
