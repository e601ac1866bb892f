namespace Decant.Core.Files;

/// <summary>The names of files in Hugging Face folders as Decant writes them.</summary>
public static class ModelFolder
{
    /// <summary>The model's config.</summary>
    public const string Config = "config.json";

    /// <summary>How text is generated.</summary>
    public const string GenerationConfig = "generation_config.json";

    /// <summary>Files of a tokenizer and its chat templates.</summary>
    public static IReadOnlyList<string> TokenizerFiles { get; } =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model",
        "spm.model", "vocab.json", "merges.txt", "vocab.txt", "chat_template.jinja", "chat_template.json",
    ];

    /// <summary>Where further chat templates lie, each as NAME.jinja.</summary>
    public const string TemplateFolder = "additional_chat_templates";

    /// <summary>True if Decant writes files, or a folder, of this name.</summary>
    /// <param name="name">A plain name.</param>
    public static bool IsWritten(string name) => name is Config or GenerationConfig or ShardIndex.SafetensorsName or TemplateFolder || TokenizerFiles.Contains(name)
        || (name.StartsWith("model", StringComparison.Ordinal) && name.EndsWith(".safetensors", StringComparison.Ordinal));
}
