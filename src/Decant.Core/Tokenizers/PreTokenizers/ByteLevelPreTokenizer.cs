using System.Text.Json.Nodes;

namespace Decant.Core.Tokenizers.PreTokenizers;

/// <summary>
/// GPT-2's pre-tokenizer: a space in front if asked for, its pattern if asked for, and bytes for characters. The model then works on bytes
/// (see <see cref="Models.ByteLevelAlphabet"/>), so nothing may follow this in a sequence.
/// </summary>
internal sealed class ByteLevelPreTokenizer(bool addPrefixSpace, bool trimOffsets, bool useRegex) : PreTokenizer
{
    /// <summary>True if a word that does not start with a space gets one.</summary>
    public bool AddPrefixSpace { get; } = addPrefixSpace;

    /// <summary>True if GPT-2's pattern is applied.</summary>
    public bool UseRegex { get; } = useRegex;

    /// <inheritdoc/>
    public override void Apply(WordList words)
    {
        if (AddPrefixSpace)
        {
            ReadOnlySpan<byte> bytes = words.Text.Bytes;
            bool anyWithout = false;
            foreach (Word word in words.Words)
                anyWithout |= bytes[word.Start] != (byte)' ';
            if (anyWithout)
                words.Rewrite(AddSpace);
            void AddSpace(AlignedTextBuilder builder, Word word)
            {
                if (words.Text.Bytes[word.Start] != (byte)' ')
                    builder.InsertBefore(" "u8);
                builder.CopyUpTo(word.Start + word.Length);
            }
        }
        if (UseRegex)
            words.Split(SplitPatterns.Gpt2.Splitter);
    }

    /// <inheritdoc/>
    public override JsonObject ToJson() => new()
    {
        ["type"] = "ByteLevel",
        ["add_prefix_space"] = AddPrefixSpace,
        ["trim_offsets"] = trimOffsets,
        ["use_regex"] = UseRegex,
    };
}
