using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Files;
using Decant.Core.Tensors;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.HuggingFace;

namespace Decant.Compression.Pipeline;

/// <summary>
/// A Hugging Face folder to be filled: config, weights in files of limited size, tokenizer. The tokenizer's files are copied if the source is a folder, else made.
/// </summary>
internal sealed class FolderTarget : ConversionTarget
{
    private static readonly JsonWriterOptions jsonOptions = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly IModelSource source;
    private readonly HuggingFaceContent content;
    private readonly SafetensorsFolderLayout layout;

    /// <summary>Lays out a folder.</summary>
    /// <param name="source">The model, for its tokenizer.</param>
    /// <param name="content">What the folder will hold.</param>
    /// <param name="maximumShardByteCount">The most tensor bytes in one file.</param>
    public FolderTarget(IModelSource source, HuggingFaceContent content, long maximumShardByteCount)
    {
        this.source = source;
        this.content = content;
        layout = new SafetensorsFolderLayout(content.Tensors.Select(tensor => tensor.Info), content.WeightMetadata, maximumShardByteCount);
        Dictionary<string, TensorData> tensors = content.Tensors.ToDictionary(tensor => tensor.Info.Name, StringComparer.Ordinal);
        Conversions = [.. layout.Files.SelectMany(file => file.Tensors).Select(info => new TensorConversion(tensors[info.Name], info.Name, info.Format))];
    }

    /// <inheritdoc/>
    public override IReadOnlyList<TensorConversion> Conversions { get; }

    /// <inheritdoc/>
    public override long ByteCount => layout.ByteCount;

    /// <inheritdoc/>
    public override void Check(string path, bool overwrite, IEnumerable<string> inputs) => FolderOutput.Check(path, ByteCount, overwrite, inputs);

    /// <inheritdoc/>
    public override ResumableOutput Open(string path, bool overwrite) =>
        FolderOutput.Open(path, [.. layout.Files.Select((file, i) => (layout.FileName(i), file.ByteCount))], overwrite);

    /// <inheritdoc/>
    public override IReadOnlyList<TensorPlace> Places(ResumableOutput output) =>
        [.. layout.Files.SelectMany((file, i) => file.Tensors.Select((_, tensor) => new TensorPlace(output.Files[i], file.Offset(tensor))))];

    /// <inheritdoc/>
    public override void WriteRest(ResumableOutput output)
    {
        var folder = (FolderOutput)output;
        WriteJson(folder, ModelFolder.Config, content.Config);
        if (content.GenerationConfig is { } generation)
            WriteJson(folder, ModelFolder.GenerationConfig, generation);
        WriteTokenizer(folder);
        for (int i = 0; i < layout.Files.Count; i++)
            folder.Files[i].Write(0, layout.Files[i].Header.Span);
        if (layout.Files.Count == 1)
            return;
        using Stream index = folder.CreateFile(ShardIndex.SafetensorsName);
        layout.WriteIndex(index);
    }

    /// <inheritdoc/>
    public override void AppendTo(IncrementalHash hash)
    {
        hash.AppendData(Encoding.UTF8.GetBytes($"folder of {layout.Files.Count}\n{content.Config.ToJsonString()}\n{content.GenerationConfig?.ToJsonString()}\n"));
        foreach (SafetensorsLayout file in layout.Files)
            hash.AppendData(SHA256.HashData(file.Header.Span));
    }

    private static void WriteJson(FolderOutput folder, string name, JsonObject json)
    {
        using Stream stream = folder.CreateFile(name);
        using (var writer = new Utf8JsonWriter(stream, jsonOptions))
            json.WriteTo(writer);
        stream.Write("\n"u8);
    }

    private void WriteTokenizer(FolderOutput folder)
    {
        if (source.HuggingFace is { } files)
        {
            foreach (string name in ModelFolder.TokenizerFiles)
            {
                if (files.FindFile(name) is { } path)
                    Copy(path, folder.CreateFile(name));
            }
            string templates = Path.Combine(files.Folder, ModelFolder.TemplateFolder);
            foreach (string path in Directory.Exists(templates) ? Directory.GetFiles(templates, "*.jinja") : [])
                Copy(path, folder.CreateFile(Path.GetFileName(path), ModelFolder.TemplateFolder));
            return;
        }
        if (TokenizerLoader.Load(source) is not { } tokenizer)
            return;
        using (Stream stream = folder.CreateFile("tokenizer.json"))
            HuggingFaceTokenizerExporter.WriteTokenizerJson(tokenizer, stream);
        WriteJson(folder, "tokenizer_config.json", HuggingFaceTokenizerExporter.MakeTokenizerConfig(tokenizer));
    }

    private static void Copy(string path, Stream to)
    {
        using (to)
        {
            using FileStream from = File.OpenRead(path);
            from.CopyTo(to);
        }
    }
}
