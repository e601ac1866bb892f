using Decant.Core.Errors;
using Decant.Core.Files;
using Decant.Core.Tokenizers.Gguf;
using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Core.Tokenizers;

/// <summary>Finds and reads the tokenizer of a model.</summary>
public static class TokenizerLoader
{
    /// <summary>The files a folder's tokenizer may be in, best first, and what reads them. A new kind of file is a line here.</summary>
    private static readonly (string File, Func<string, string, Tokenizer> Read)[] kinds =
    [
        ("tokenizer.json", ReadTokenizerJson),
        ("tokenizer.model", Refuse),
        ("vocab.json", Refuse),
        ("vocab.txt", Refuse),
    ];

    /// <summary>Reads the tokenizer of a model; null if it carries none.</summary>
    /// <param name="source">A GGUF file or Hugging Face folder.</param>
    /// <exception cref="BadFileException">The tokenizer is damaged.</exception>
    /// <exception cref="NotSupportedModelException">It is of a kind that Decant does not know.</exception>
    public static Tokenizer? Load(IModelSource source)
    {
        if (source.Gguf is { } metadata)
            return LoadGguf(metadata);
        return source.HuggingFace is { } files ? FindInFolder(files.Folder) : null;
    }

    /// <summary>Reads the tokenizer in a GGUF file's metadata; null if there is none (<c>tokenizer.ggml.model</c> is absent, <c>none</c> or <c>no_vocab</c>).</summary>
    /// <param name="metadata">The metadata.</param>
    /// <exception cref="BadFileException">The tokenizer is damaged.</exception>
    /// <exception cref="NotSupportedModelException">It is of a kind that Decant does not know.</exception>
    public static Tokenizer? LoadGguf(GgufMetadata metadata) =>
        GgufTokenizerReader.Read(metadata) is { } parts ? new Tokenizer(parts) : null;

    /// <summary>Reads the tokenizer in a folder, which need not hold a model.</summary>
    /// <param name="folder">A folder with tokenizer.json and perhaps tokenizer_config.json.</param>
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

    private static Tokenizer Refuse(string folder, string path) => throw new NotSupportedModelException(
        $"{path}: a tokenizer in this kind of file is not supported; save the folder with a tokenizer.json (transformers writes one).");
}
