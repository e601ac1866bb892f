using Decant.Compression.Calibration;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;

namespace Decant.Compression.Verification;

/// <summary>Checks that the output's tokenizer is the source's: the same vocabulary, and the same ids for the opening of the built-in text.</summary>
internal static class TokenizerComparison
{
    /// <summary>Characters of the text that are tokenized: enough to meet every rule of splitting, and quick.</summary>
    private const int SampleLength = 4000;

    /// <summary>Compares.</summary>
    /// <param name="source">The model before.</param>
    /// <param name="candidate">The model after.</param>
    /// <exception cref="BadFileException">The source's tokenizer is damaged.</exception>
    public static VerifyCheck Check(IModelSource source, IModelSource candidate)
    {
        Tokenizer? before;
        try
        {
            before = TokenizerLoader.Load(source);
        }
        catch (NotSupportedModelException e)
        {
            // A tokenizer Decant does not know is copied like any other metadata, and metadata is compared apart.
            return new VerifyCheck("tokenizer", true, $"not run: {e.Message}") { WasRun = false };
        }
        try
        {
            return Compare(before, TokenizerLoader.Load(candidate));
        }
        catch (DecantException e)
        {
            return new VerifyCheck("tokenizer", false, $"the output's tokenizer cannot be read: {e.Message}");
        }
    }

    private static VerifyCheck Compare(Tokenizer? before, Tokenizer? after)
    {
        if (before is null || after is null)
        {
            return before is null && after is null
                ? new VerifyCheck("tokenizer", true, "the model has none")
                : new VerifyCheck("tokenizer", false, before is null ? "the source has none, the output has one" : "the output has lost it");
        }
        if (before.Fingerprint != after.Fingerprint)
            return new VerifyCheck("tokenizer", false, "the vocabularies differ");
        string sample = BuiltInText.Text[..SampleLength];
        int[] ids = before.EncodeIds(sample, addSpecialTokens: true);
        return ids.AsSpan().SequenceEqual(after.EncodeIds(sample, addSpecialTokens: true))
            ? new VerifyCheck("tokenizer", true, $"{before.VocabularyCount} tokens; {ids.Length} equal ids for the sample text")
            : new VerifyCheck("tokenizer", false, "the sample text gets other ids");
    }
}
