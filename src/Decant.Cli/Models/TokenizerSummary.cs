using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers;

namespace Decant.Cli.Models;

/// <summary>What is said about a model's tokenizer.</summary>
/// <param name="Kind">Where it comes from: GGUF's model and pre-tokenizer names, or the file in the folder.</param>
/// <param name="VocabularyCount">Ids, or null if it could not be read.</param>
/// <param name="AddsBos">True if a beginning-of-sequence token is put before a text; null if unknown.</param>
/// <param name="UnsupportedReason">Why Decant cannot use it, or null.</param>
/// <param name="Model">What cuts its words, as <see cref="Tokenizer.Kind"/> says; null if it could not be read.</param>
internal sealed record TokenizerSummary(string Kind, int? VocabularyCount, bool? AddsBos, string? UnsupportedReason, string? Model = null)
{
    /// <summary>Describes the tokenizer, or returns null if the model has none.</summary>
    public static TokenizerSummary? Of(IModelSource source)
    {
        string? kind = KindOf(source);
        if (kind is null)
            return null;
        try
        {
            return TokenizerLoader.Load(source) is { } tokenizer ? new TokenizerSummary(kind, tokenizer.VocabularyCount, tokenizer.AddsBos, null, tokenizer.Kind) : null;
        }
        catch (NotSupportedModelException error)
        {
            return new TokenizerSummary(kind, null, null, error.Message);
        }
    }

    private static string? KindOf(IModelSource source)
    {
        if (source.HuggingFace is { } files)
            return TokenizerLoader.FileNames.FirstOrDefault(name => files.FindFile(name) is not null);
        string? model = source.Gguf?.FindString("tokenizer.ggml.model");
        return model is null or "none" or "no_vocab" ? null : source.Gguf!.FindString("tokenizer.ggml.pre") is { } pre ? $"{model}/{pre}" : model;
    }
}
