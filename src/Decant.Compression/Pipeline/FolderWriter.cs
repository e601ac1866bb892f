using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Decant.Core.Files;
using Decant.Core.Measurement;
using Decant.Core.Tensors;
using Decant.Core.Tokenizers;
using Decant.Core.Tokenizers.HuggingFace;
using Decant.Engine;

namespace Decant.Compression.Pipeline;

/// <summary>
/// Writes a Hugging Face folder: config, weights in files of limited size, tokenizer. The tokenizer's files are copied if the source is a folder,
/// else made. Memory: a wave of chunks, four for each thread.
/// </summary>
internal sealed class FolderWriter
{
    private const int ChunksPerThread = 4;

    /// <summary>Side files of a tokenizer, copied as they are.</summary>
    private static readonly string[] tokenizerFiles =
    [
        "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.model", "vocab.json", "merges.txt",
        "vocab.txt", "chat_template.jinja", "chat_template.json",
    ];

    private static readonly JsonWriterOptions jsonOptions = new() { Indented = true, NewLine = "\n", Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly AtomicOutput output;
    private readonly IModelSource source;
    private readonly HuggingFaceContent content;

    public FolderWriter(AtomicOutput output, IModelSource source, HuggingFaceContent content)
    {
        this.output = output;
        this.source = source;
        this.content = content;
    }

    /// <summary>Writes everything.</summary>
    /// <param name="maximumShardByteCount">The most tensor bytes in one file.</param>
    /// <param name="threadCount">Threads, 0 for all cores.</param>
    /// <param name="progress">Told about bytes.</param>
    /// <param name="cancellationToken">Stops between waves.</param>
    public void Write(long maximumShardByteCount, int threadCount, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        WriteJson("config.json", content.Config);
        if (content.GenerationConfig is { } generation)
            WriteJson("generation_config.json", generation);
        WriteTokenizer();
        WriteWeights(maximumShardByteCount, threadCount, progress, cancellationToken);
    }

    private void WriteJson(string name, JsonObject json)
    {
        using Stream stream = output.OpenFile(name);
        using (var writer = new Utf8JsonWriter(stream, jsonOptions))
            json.WriteTo(writer);
        stream.Write("\n"u8);
    }

    private void WriteTokenizer()
    {
        if (source.HuggingFace is { } files)
        {
            foreach (string name in tokenizerFiles)
            {
                if (files.FindFile(name) is not { } path)
                    continue;
                using FileStream from = File.OpenRead(path);
                using Stream to = output.OpenFile(name);
                from.CopyTo(to);
            }
            return;
        }
        if (TokenizerLoader.Load(source) is not { } tokenizer)
            return;
        using (Stream stream = output.OpenFile("tokenizer.json"))
            HuggingFaceTokenizerExporter.WriteTokenizerJson(tokenizer, stream);
        WriteJson("tokenizer_config.json", HuggingFaceTokenizerExporter.MakeTokenizerConfig(tokenizer));
    }

    private void WriteWeights(long maximumShardByteCount, int threadCount, IProgress<WorkProgress>? progress, CancellationToken cancellationToken)
    {
        Dictionary<string, TensorConversion> conversions = content.Tensors.ToDictionary(
            t => t.Info.Name, t => new TensorConversion(t, t.Info.Name, t.Info.Format), StringComparer.Ordinal);
        using var writer = new SafetensorsFolderWriter(
            output.FinalPath, output.OpenFile, content.Tensors.Select(t => t.Info), content.WeightMetadata, maximumShardByteCount);
        TensorConversion[] ordered = [.. writer.Tensors.Select(t => conversions[t.Name])];
        var meter = new ConversionMeter(ordered, _ => false, null, progress);
        using var pool = new WorkerPool(threadCount);
        Slot[] slots = [.. Enumerable.Range(0, pool.ThreadCount * ChunksPerThread).Select(_ => new Slot())];
        for (int tensor = 0; tensor < ordered.Length; tensor++)
        {
            writer.Begin(ordered[tensor].Name);
            TensorShape shape = ordered[tensor].Source.Info.Shape;
            for (int first = 0, count = RowChunk.Count(shape); first < count; first += slots.Length)
            {
                cancellationToken.ThrowIfCancellationRequested();
                int wave = Math.Min(slots.Length, count - first);
                for (int i = 0; i < wave; i++)
                    slots[i].Chunk = RowChunk.Of(shape, tensor, first + i);
                pool.Run(wave, new EncodeSlots(slots, ordered[tensor]));
                foreach (Slot slot in slots.AsSpan(0, wave))
                {
                    writer.Write(slot.Bytes.Span);
                    meter.Add(slot.Chunk);
                }
            }
        }
        writer.Complete();
        meter.Complete();
    }

    private sealed class Slot
    {
        private byte[] copy = [];

        public ChunkEncoder Encoder { get; } = new();

        public RowChunk Chunk { get; set; }

        public ReadOnlyMemory<byte> Bytes { get; private set; }

        /// <summary>Bytes that lie in a mapped file are copied, for a memory of them cannot be held.</summary>
        public void Encode(TensorConversion conversion)
        {
            ReadOnlySpan<byte> bytes = Encoder.Encode(conversion, Chunk, default);
            if (copy.Length < bytes.Length)
                copy = GC.AllocateUninitializedArray<byte>(bytes.Length);
            bytes.CopyTo(copy);
            Bytes = copy.AsMemory(0, bytes.Length);
        }
    }

    private readonly struct EncodeSlots(Slot[] slots, TensorConversion conversion) : IParallelWork
    {
        public void Run(int part) => slots[part].Encode(conversion);
    }
}
