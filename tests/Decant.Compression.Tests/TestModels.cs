using Decant.Core.Files;
using Decant.Core.Tensors;

namespace Decant.Compression.Tests;

/// <summary>Models that tests write for themselves.</summary>
internal static class TestModels
{
    /// <summary>Writes tensors and keys as a GGUF file.</summary>
    public static void WriteGguf(string path, GgufMetadata metadata, IReadOnlyList<TensorData> tensors)
    {
        using var stream = new FileStream(path, FileMode.CreateNew, FileAccess.Write);
        using var writer = new GgufWriter(stream, path, metadata, [.. tensors.Select(t => t.Info)]);
        foreach (TensorData tensor in tensors)
            writer.WriteTensor(tensor, TestContext.Current.CancellationToken);
        writer.Complete();
    }

    /// <summary>The keys of a Llama model without tokenizer.</summary>
    public static GgufMetadata LlamaMetadata(int layers, int hidden, int heads, int keyValueHeads, int width)
    {
        var metadata = new GgufMetadata("test model");
        metadata.Set("general.architecture", GgufValue.From("llama"));
        metadata.Set("general.name", GgufValue.From("test"));
        metadata.Set("llama.context_length", GgufValue.From(128u));
        metadata.Set("llama.embedding_length", GgufValue.From((uint)hidden));
        metadata.Set("llama.block_count", GgufValue.From((uint)layers));
        metadata.Set("llama.feed_forward_length", GgufValue.From((uint)width));
        metadata.Set("llama.attention.head_count", GgufValue.From((uint)heads));
        metadata.Set("llama.attention.head_count_kv", GgufValue.From((uint)keyValueHeads));
        metadata.Set("llama.attention.layer_norm_rms_epsilon", GgufValue.From(1e-5f));
        metadata.Set("llama.rope.dimension_count", GgufValue.From((uint)(hidden / heads)));
        metadata.Set("llama.rope.freq_base", GgufValue.From(10000f));
        metadata.Set("tokenizer.ggml.model", GgufValue.From("none"));
        return metadata;
    }

    /// <summary>Writes the model of a whole-file fixture.</summary>
    public static void WriteFixture(string path, WholeFileFixture fixture) => WriteGguf(
        path, LlamaMetadata(fixture.LayerCount, fixture.Hidden, fixture.HeadCount, fixture.KeyValueHeadCount, fixture.Width), fixture.Tensors);
}
