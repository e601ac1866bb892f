using System.Text.Json.Nodes;
using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Gguf;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Core.Tokenizers.SentencePiece;

namespace Decant.Core.Tokenizers;

/// <summary>Finds and reads the tokenizer of a model.</summary>
public static class TokenizerLoader
{
    /// <summary>The files a folder's tokenizer may be in, best first, and what reads them. A new kind of file is a line here.</summary>
    private static readonly (string File, Func<string, string, Tokenizer> Read)[] kinds =
    [
        ("tokenizer.json", ReadTokenizerJson),
        ("tokenizer.model", ReadSentencePiece),
        ("spiece.model", ReadSentencePiece),
        ("sentencepiece.bpe.model", ReadSentencePiece),
        ("spm.model", ReadSentencePiece),
        ("vocab.json", ReadVocabJson),
        ("vocab.txt", ReadVocabTxt),
    ];

    /// <summary>The names of the files that a folder's tokenizer may be in; the first that is there is read.</summary>
    public static IReadOnlyList<string> FileNames { get; } = [.. kinds.Select(k => k.File)];

    /// <summary>Reads the tokenizer of a model; null if it carries none.</summary>
    /// <param name="source">A GGUF file or Hugging Face folder.</param>
    /// <exception cref="BadFileException">The tokenizer is damaged.</exception>
    /// <exception cref="NotSupportedModelException">It is of a kind that Decant does not know.</exception>
    public static Tokenizer? Load(IModelSource source)
    {
        if (source.Gguf is { } metadata)
            return LoadGguf(metadata);
        if (source.HuggingFace is not { } files || FindInFolder(files.Folder) is not { } tokenizer)
            return null;
        return FindRowCount(files.Config) is { } rows && tokenizer.VocabularyCount > rows && tokenizer.Parts.Within(rows) is var parts && parts != tokenizer.Parts
            ? new Tokenizer(parts)
            : tokenizer;
    }

    // Models that read images too have the size of the vocabulary in the section of the text model.
    private static int? FindRowCount(JsonObject config) =>
        (config["vocab_size"] ?? (config["text_config"] as JsonObject)?["vocab_size"]) is JsonValue value && value.TryGetValue(out int count) && count > 0 ? count : null;

    /// <summary>Reads the tokenizer in a GGUF file's metadata; null if there is none (<c>tokenizer.ggml.model</c> is absent, <c>none</c> or <c>no_vocab</c>).</summary>
    /// <param name="metadata">The metadata.</param>
    /// <exception cref="BadFileException">The tokenizer is damaged.</exception>
    /// <exception cref="NotSupportedModelException">It is of a kind that Decant does not know.</exception>
    public static Tokenizer? LoadGguf(GgufMetadata metadata) =>
        GgufTokenizerReader.Read(metadata) is { } parts ? new Tokenizer(parts) : null;

    /// <summary>Reads the tokenizer in a folder, which need not hold a model.</summary>
    /// <param name="folder">A folder with tokenizer.json, or else a SentencePiece model (tokenizer.model, spiece.model), or else vocab.json and merges.txt, or else
    /// vocab.txt; perhaps tokenizer_config.json and the like beside it. <see cref="Tokenizer.File"/> tells which was read.</param>
    /// <exception cref="BadFileException">There is no tokenizer, or it is damaged.</exception>
    /// <exception cref="NotSupportedModelException">It is of a kind that Decant does not know.</exception>
    public static Tokenizer LoadFolder(string folder) => FindInFolder(folder)
        ?? throw new BadFileException($"{folder}: no tokenizer here: expected one of {string.Join(", ", kinds.Select(k => k.File))}.");

    private static Tokenizer? FindInFolder(string folder)
    {
        foreach ((string file, Func<string, string, Tokenizer> read) in kinds)
        {
            string path = Path.Combine(folder, file);
            if (File.Exists(path))
                return read(folder, path);
        }
        return null;
    }

    private static Tokenizer ReadTokenizerJson(string folder, string path) =>
        new(TokenizerJsonReader.Read(TokenizerFile.ReadBytes(path), path, TokenizerConfig.Read(folder)));

    private static Tokenizer ReadSentencePiece(string folder, string path) =>
        new(SentencePieceTokenizerReader.Read(TokenizerFile.ReadBytes(path), path, TokenizerConfig.Read(folder, hasVocabularyFile: true)));

    private static Tokenizer ReadVocabJson(string folder, string path) =>
        new(VocabJsonReader.Read(path, Path.Combine(folder, "merges.txt"), TokenizerConfig.Read(folder, hasVocabularyFile: true)));

    private static Tokenizer ReadVocabTxt(string folder, string path) =>
        new(VocabTxtReader.Read(path, TokenizerConfig.Read(folder, hasVocabularyFile: true)));
}
