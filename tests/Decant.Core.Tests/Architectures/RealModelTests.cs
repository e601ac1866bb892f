using Decant.Core.Architectures;
using Decant.Core.Architectures.Conversion;
using Decant.Core.Files;
using Decant.Core.Formats;
using Decant.Core.Tensors;
using Decant.Testing;

namespace Decant.Core.Tests.Architectures;

public sealed class RealModelTests
{
    /// <summary>Without the one that stores its head twice: comparing the copies needs their bytes.</summary>
    public static TheoryData<string> FoldersOfHeaders => [.. Fixtures.GgufFolders.Where(folder => folder != "llama-oddities")];

    [Fact]
    public void SmolLM2_135M_from_GGUF_is_understood()
    {
        using IModelSource source = ModelSources.Open(SharedFiles.Require("models", "smollm2-135m", "smollm2-135m-q8_0.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        Assert.Equal("llama", model.ArchitectureName);
        Assert.Equal((49152, 576, 30), (model.Spec.VocabularySize, model.Spec.HiddenSize, model.Spec.Layers.Length));
        AttentionSpec attention = model.Spec.Layers[29].Attention;
        Assert.Equal((9, 3, 64), (attention.HeadCount, attention.KeyValueHeadCount, attention.HeadSize));
        Assert.Equal(1536, model.Spec.Layers[0].FeedForward.Width);
        Assert.True(model.Spec.Head.Tied);
        Assert.Equal(100000, attention.Rope!.Base);
        Assert.Empty(model.Notices);
        Assert.Equal(source.Tensors.Count, model.Tensors.Count);

        HuggingFaceDescription folder = HuggingFaceExport.Describe(model);
        Assert.Equal("bfloat16", (string?)folder.Config["dtype"]);
        Assert.Contains(folder.Notices, n => n.Contains("Q8_0", StringComparison.Ordinal));
        Assert.All(folder.Tensors, t => Assert.True(t.Info.Format.Name is "BF16" or "F32", t.Info.ToString()));
    }

    /// <summary>The folder of stories260K against the GGUF that was made from the same weights by another program.</summary>
    [Fact]
    public void Stories260K_converted_here_equals_the_GGUF_made_elsewhere()
    {
        using HuggingFaceModelSource source = HuggingFaceModelSource.OpenFolder(SharedFiles.Require("models", "stories260K", "hf"));
        using IModelSource reference = ModelSources.Open(SharedFiles.Require("models", "stories260K", "stories260K-f32.gguf"));
        DecoderModel model = ArchitectureRegistry.BindDecoder(source);
        GgufDescription description = GgufExport.Describe(model);
        Assert.Equal(reference.Tensors.Select(t => t.Info.Name).Order(), description.Tensors.Select(t => t.Info.Name).Order());
        foreach (TensorData tensor in description.Tensors)
        {
            TensorData other = reference.FindTensor(tensor.Info.Name)!;
            Assert.Equal(other.Info.Shape, tensor.Info.Shape);
            Assert.True(Fixtures.Bytes(other).SequenceEqual(Fixtures.Bytes(tensor)), tensor.Info.Name);
        }
        foreach ((string key, GgufValue value) in reference.Gguf!.Entries.Where(e => e.Key.StartsWith("llama.", StringComparison.Ordinal)))
            Assert.True(description.Metadata.FindNumber(key) == reference.Gguf!.FindNumber(key), $"{key}: {value.Value}");
        Assert.Equal("llama", description.Metadata.FindString("tokenizer.ggml.model"));
        Assert.Equal(reference.Gguf!.FindStrings("tokenizer.ggml.tokens"), description.Metadata.FindStrings("tokenizer.ggml.tokens"));
        Assert.Equal(2, ((System.Text.Json.Nodes.JsonArray)HuggingFaceExport.Describe(
            ArchitectureRegistry.BindDecoder(MemoryModelSource.WithMetadata(description.Metadata, description.Tensors))).GenerationConfig!["eos_token_id"]!).Count);
    }

    /// <summary>Describing a model reads no weights: a source whose tensors cannot be read is enough.</summary>
    [Theory]
    [MemberData(nameof(FoldersOfHeaders))]
    public void Describing_a_model_reads_headers_only(string folder)
    {
        using HuggingFaceModelSource source = Fixtures.Open(folder);
        TensorData[] unreadable = [.. source.Tensors.Select(t => (TensorData)new Unreadable(t.Info))];
        DecoderModel model = ArchitectureRegistry.BindDecoder(MemoryModelSource.WithConfig(source.HuggingFace.Config, unreadable));
        GgufDescription gguf = GgufExport.Describe(model, TensorFormats.FindByName("BF16"), isExact: false);
        HuggingFaceDescription hf = HuggingFaceExport.Describe(model);
        Assert.True(gguf.Tensors.Count > 0 && hf.Tensors.Count > 0);
    }

    private sealed class Unreadable(TensorInfo info) : TensorData(info)
    {
        public override bool TryGetRows(long firstRow, int rowCount, out ReadOnlySpan<byte> rows) => throw new InvalidOperationException("The data was read.");
    }
}
