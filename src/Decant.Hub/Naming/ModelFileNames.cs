using System.Globalization;
using System.Text.RegularExpressions;
using Decant.Core.Files;
using Decant.Core.Tokenizers;

namespace Decant.Hub.Naming;

/// <summary>The file names that make up a model: what is looked for in a repository and in a snapshot.</summary>
internal static partial class ModelFileNames
{
    public const string Config = ModelFolder.Config;
    public const string Safetensors = "model.safetensors";
    public const string SafetensorsIndex = ShardIndex.SafetensorsName;
    public const string Pickle = "pytorch_model.bin";
    public const string PickleIndex = ShardIndex.PyTorchName;
    public const string TokenizerJson = "tokenizer.json";

    /// <summary>Weights by precedence: a file, and the index that stands for several.</summary>
    public static readonly (string Single, string Index, string Extension)[] Weights =
    [
        (Safetensors, SafetensorsIndex, ".safetensors"),
        (Pickle, PickleIndex, ".bin"),
    ];

    /// <summary>Side files that are always wanted where they exist.</summary>
    public static readonly string[] SideFiles =
    [
        Config, ModelFolder.GenerationConfig, TokenizerJson, "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
        "chat_template.jinja", "chat_template.json", "README.md",
    ];

    /// <summary>Tokenizer files that are wanted only where there is no tokenizer.json, which holds the same.</summary>
    public static readonly string[] OlderTokenizerFiles = [.. TokenizerLoader.FileNames.Where(name => name != TokenizerJson), "merges.txt"];

    /// <summary>Where further chat templates lie.</summary>
    public const string TemplateFolder = ModelFolder.TemplateFolder + "/";

    public static bool IsGguf(string path) => path.EndsWith(".gguf", StringComparison.OrdinalIgnoreCase);

    /// <summary>The files of a split that a GGUF file belongs to, in order; the file alone if it is whole.</summary>
    public static IReadOnlyList<string> SplitOf(string path)
    {
        Match match = SplitName().Match(path);
        if (!match.Success)
            return [path];
        int count = int.Parse(match.Groups["count"].ValueSpan, CultureInfo.InvariantCulture);
        return [.. Enumerable.Range(1, count).Select(number => string.Create(CultureInfo.InvariantCulture, $"{match.Groups["prefix"].ValueSpan}-{number:D5}-of-{count:D5}.gguf"))];
    }

    /// <summary>The models among GGUF files, each with all files of its split. Projectors of pictures (<c>mmproj</c>) are no language models.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> GgufModels(IEnumerable<string> paths) =>
    [
        .. paths.Where(path => IsGguf(path) && !path.Split('/')[^1].StartsWith("mmproj", StringComparison.OrdinalIgnoreCase))
            .Order(StringComparer.Ordinal)
            .Select(SplitOf)
            .DistinctBy(files => files[0], StringComparer.Ordinal),
    ];

    [GeneratedRegex(@"^(?<prefix>.+)-[0-9]{5}-of-(?<count>[0-9]{5})\.gguf$", RegexOptions.CultureInvariant)]
    private static partial Regex SplitName();
}
